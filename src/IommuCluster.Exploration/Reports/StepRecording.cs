using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>Runs one schedule and keeps every step with the functions it was taken in.</summary>
public static class StepRecording
{
    /// <summary>Runs a schedule.</summary>
    /// <param name="runtime">Runs it; its <see cref="DeterministicRuntime.Watch"/> is used meanwhile.</param>
    /// <param name="strategy">Picks who runs; its schedule has begun.</param>
    /// <param name="number">The schedule's number.</param>
    /// <param name="nameOf">Names the owner of an object for people.</param>
    /// <returns>How it ended, and its steps.</returns>
    public static (ScheduleEnd End, ImmutableArray<ReportStep> Steps) Run(DeterministicRuntime runtime, IStrategy strategy, long number, Func<Home, string> nameOf)
    {
        var recorder = new StepRecorder(runtime, moment: -1);
        runtime.Watch = recorder.Watch;
        var end = runtime.Run(strategy, number);
        runtime.Watch = null;
        var text = new StepText(runtime, nameOf);
        var steps = ImmutableArray.CreateBuilder<ReportStep>(runtime.Trace.Count);
        for (var step = 0; step < runtime.Trace.Count; step++)
        {
            steps.Add(recorder.StepOf(step, text.What(runtime.Trace[step]), text.OwnerOf(runtime.Trace[step]), matters: true));
        }

        return (end, steps.ToImmutable());
    }
}
