using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;

namespace IommuCluster.Exploration.Reduction;

/// <summary>A short schedule that shows a finding.</summary>
/// <param name="Schedule">The schedule, to be replayed.</param>
/// <param name="Preemptions">Switches away from a thread that could have gone on.</param>
/// <param name="ContextSwitches">All switches, those after a thread's end and at its waits among them.</param>
/// <param name="Runs">Schedules that were run to find it.</param>
/// <param name="Decisive">The switches up to the finding without which it does not show: where the thread runs on instead, nothing happens.</param>
public sealed record MinimisedSchedule(Schedule Schedule, int Preemptions, int ContextSwitches, int Runs, ImmutableArray<ContextSwitch> Decisive);

/// <summary>A place where one thread gives way to another.</summary>
/// <param name="From">Id of the first thread.</param>
/// <param name="Steps">Steps that it had taken by then.</param>
/// <param name="To">Id of the other thread.</param>
public readonly record struct ContextSwitch(int From, int Steps, int To);
