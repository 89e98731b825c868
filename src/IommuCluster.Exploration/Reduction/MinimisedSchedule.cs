using IommuCluster.Exploration.Replay;

namespace IommuCluster.Exploration.Reduction;

/// <summary>A short schedule that shows a finding.</summary>
/// <param name="Schedule">The schedule, to be replayed.</param>
/// <param name="Preemptions">Switches away from a thread that could have gone on.</param>
/// <param name="ContextSwitches">All switches, those after a thread's end and at its waits among them.</param>
/// <param name="Runs">Schedules that were run to find it.</param>
public sealed record MinimisedSchedule(Schedule Schedule, int Preemptions, int ContextSwitches, int Runs);
