using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>Watches a schedule and keeps, for each step, who took it and in which functions.</summary>
/// <param name="runtime">Runs the schedule.</param>
/// <param name="moment">The step at which all threads are looked at.</param>
/// <param name="other">Another step at which its own thread's locks are looked at; -1 for none.</param>
internal sealed class StepRecorder(DeterministicRuntime runtime, int moment, int other = -1)
{
    private readonly Dictionary<int, ImmutableArray<string>> _held = [];
    private readonly List<(int Id, string Name, ImmutableArray<string> Frames)> _steps = [];
    private readonly Dictionary<int, ImmutableArray<string>> _last = [];

    /// <summary>All threads just before the moment.</summary>
    internal ImmutableArray<ThreadSnapshot> Threads { get; private set; } = [];

    internal void Watch(int step, KernelThread thread)
    {
        if (step == 0)
        {
            _steps.Clear();
        }

        var frames = _last.GetValueOrDefault(thread.Id, []);
        if (!frames.AsSpan().SequenceEqual(thread.Frames))
        {
            _last[thread.Id] = frames = [.. thread.Frames];
        }

        _steps.Add((thread.Id, thread.Start.Name, frames));
        if (step == moment || step == other)
        {
            _held[step] = [.. thread.HeldLocks.ToArray().Select(ThreadSnapshot.Describe)];
        }

        if (step == moment)
        {
            Threads = runtime.SnapshotThreads();
        }
    }

    internal Moment MomentOf(int step, string text)
    {
        var (id, name, frames) = _steps[step];
        return new Moment(step, id, name, text, frames.IsEmpty ? [name] : [.. frames.Reverse()])
        {
            Marking = runtime.Trace[step].Kind <= StepKind.CompareExchange ? runtime.Trace[step].Marking : null,
            Held = _held.GetValueOrDefault(step, []),
        };
    }

    internal ImmutableArray<string> FramesOf(int step) => _steps[step].Frames;

    internal ReportStep StepOf(int step, string text, string owner, bool matters)
    {
        var (id, name, frames) = _steps[step];
        return new ReportStep(step, id, name, frames, text, owner, matters);
    }
}
