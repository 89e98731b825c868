using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>Replays a finding's schedule and collects what a report tells: the stacks of all steps concerned among it.</summary>
public static class FindingReporter
{
    /// <summary>Collects a finding's report.</summary>
    /// <param name="workload">What was explored.</param>
    /// <param name="options">How it was watched.</param>
    /// <param name="finding">The finding.</param>
    /// <param name="schedules">What to replay, in this order on one runtime; the last one shows it.</param>
    /// <param name="nameOf">Names the owner of an object for people; null uses the owner's number.</param>
    /// <returns>The report, or null when the schedules do not show the finding.</returns>
    public static FindingReport? Create(Workload workload, RuntimeOptions options, Finding finding, ImmutableArray<Schedule> schedules, Func<Home, string>? nameOf = null)
    {
        var whole = options with { WholeTrace = true, Snapshots = true };
        var runtime = new DeterministicRuntime(workload, whole);
        Replay(runtime, schedules);
        if (runtime.Sightings.FirstOf(finding.IsSameAs) is not { } sighting)
        {
            return null;
        }

        // Once more with somebody watching: only now is it known which moments matter.
        runtime = new DeterministicRuntime(workload, whole);
        var recorder = new StepRecorder(runtime, sighting.Step, sighting.OtherStep);
        Replay(runtime, schedules[..^1]);
        runtime.Watch = recorder.Watch;
        Replay(runtime, schedules[^1..]);
        return Collect(workload, runtime, recorder, sighting, schedules, new StepText(runtime, nameOf ?? (home => home.ToString())));
    }

    private static void Replay(DeterministicRuntime runtime, ImmutableArray<Schedule> schedules)
    {
        foreach (var schedule in schedules)
        {
            var strategy = new ReplayStrategy(schedule);
            strategy.BeginSchedule(0);
            runtime.Run(strategy, 0);
        }
    }

    private static FindingReport Collect(Workload workload, DeterministicRuntime runtime, StepRecorder recorder, Sighting sighting, ImmutableArray<Schedule> schedules, StepText text)
    {
        var trace = runtime.Trace;
        var sought = ObjectOf(trace, sighting);
        var other = sighting.OtherStep >= 0 ? sighting.OtherStep : Origins.ClearingStep(trace, sighting.Step);
        var isAboutObject = sighting.Finding.Kind is FindingKind.UseAfterFree or FindingKind.DoubleFree or FindingKind.OutOfBounds;
        var allocation = isAboutObject ? Origins.AllocatingStep(trace, sought, sighting.Step) : -1;
        var threads = sighting.Threads.IsDefaultOrEmpty ? recorder.Threads : sighting.Threads;
        var matters = new Relevance(trace, recorder.FramesOf).Mark(sighting, [other, allocation], sought, threads);
        Moment? MomentOf(int step) => step < 0 ? null : recorder.MomentOf(step, text.Of(trace[step]));
        var steps = ImmutableArray.CreateBuilder<ReportStep>(trace.Count);
        for (var step = 0; step < trace.Count; step++)
        {
            steps.Add(recorder.StepOf(step, text.What(trace[step]), text.OwnerOf(trace[step]), matters[step]));
        }

        return new FindingReport
        {
            Finding = sighting.Finding,
            Schedules = schedules,
            Architecture = workload.Architecture,
            Here = HereOf(sighting, recorder, text, trace),
            FaultAddress = FaultAddressOf(trace, sighting.Step, workload),
            Other = MomentOf(other),
            Allocation = MomentOf(allocation),
            ObjectName = sought.IsNull ? string.Empty : text.NameOf(sought),
            Threads = threads,
            Steps = steps.ToImmutable(),
        };
    }

    private static Moment HereOf(Sighting sighting, StepRecorder recorder, StepText text, Trace trace)
    {
        if (sighting.Step < 0)
        {
            return new Moment(-1, 0, sighting.Threads.FirstOrDefault()?.Name ?? string.Empty, string.Empty, [sighting.Finding.Function]);
        }

        var moment = recorder.MomentOf(sighting.Step, text.Of(trace[sighting.Step]));
        // What a flow itself reports may be a few returns behind its last step; the snapshot was taken right there.
        var snapshot = sighting.Threads.IsDefaultOrEmpty ? null : sighting.Threads.FirstOrDefault(thread => thread.Slot == sighting.Thread);
        return snapshot is null ? moment
            : moment with { ThreadName = snapshot.Name, Frames = snapshot.Frames.IsEmpty ? [snapshot.Name] : snapshot.Frames };
    }

    private static Address ObjectOf(Trace trace, Sighting sighting)
    {
        if (sighting.Step < 0)
        {
            return Address.Null;
        }

        ref readonly var entry = ref trace[sighting.Step];
        if (sighting.Finding.IsRace || entry.Fault is not (FaultKind.None or FaultKind.NullDereference))
        {
            return entry.Base.IsObject ? entry.Base.Object : Address.Null;
        }

        // NULL has no object: what was to be followed is the pointer, and that is in one.
        var origin = Origins.LoadOfNull(trace, sighting.Step);
        return origin >= 0 ? trace[origin].Base.Object : Address.Null;
    }

    private static ulong? FaultAddressOf(Trace trace, int step, Workload workload) =>
        step >= 0 && trace[step].Fault != FaultKind.None
            ? unchecked(trace[step].Base.Value + (ulong)(trace[step].Field?.ByteOffset(workload.Architecture, trace[step].Index) ?? 0))
            : null;
}
