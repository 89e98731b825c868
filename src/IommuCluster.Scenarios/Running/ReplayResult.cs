using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Scenarios.Running;

/// <summary>A replay of one or more schedules.</summary>
/// <param name="End">How the last one ended.</param>
/// <param name="Divergence">Why it is not the run that the token tells of; null when it is.</param>
/// <param name="Sightings">What the last one showed.</param>
/// <param name="Schedules">What was replayed.</param>
/// <param name="Steps">Every step of the last one from the start of the boot.</param>
/// <param name="Fingerprint">Hash of the memory at the end; the same for the same token on any runtime.</param>
public sealed record ReplayResult(
    ScheduleEnd End,
    string? Divergence,
    ImmutableArray<Sighting> Sightings,
    ImmutableArray<Schedule> Schedules,
    ImmutableArray<ReportStep> Steps,
    StateHash Fingerprint)
{
    internal static ReplayResult Of(Workload workload, RuntimeOptions options, ImmutableArray<Schedule> schedules, Func<Home, string> nameOf)
    {
        var runtime = new DeterministicRuntime(workload, options with { WholeTrace = true });
        var end = ScheduleEnd.Completed;
        string? divergence = null;
        ImmutableArray<ReportStep> steps = [];
        for (var i = 0; i < schedules.Length && divergence is null; i++)
        {
            var strategy = new ReplayStrategy(schedules[i]);
            strategy.BeginSchedule(i);
            (end, steps) = StepRecording.Run(runtime, strategy, i, nameOf);
            divergence = DivergenceOf(runtime, end, schedules[i]);
        }

        return new ReplayResult(end, divergence, [.. runtime.Sightings], schedules, steps, runtime.Bank.Fingerprint());
    }

    private static string? DivergenceOf(DeterministicRuntime runtime, ScheduleEnd end, Schedule asked)
    {
        var made = runtime.ToSchedule().Deviations;
        return end == ScheduleEnd.Diverged ? $"after {runtime.Trace.Count} steps the schedule asks for a thread that cannot run"
            : made.Length < asked.Deviations.Length ? $"the run ended after {made.Length} of the schedule's {asked.Deviations.Length} deviations"
            : null;
    }
}
