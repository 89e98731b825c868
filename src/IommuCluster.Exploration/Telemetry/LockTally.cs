using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>How locks of a class were used.</summary>
/// <param name="Acquisitions">Times that one was taken.</param>
/// <param name="Contentions">Times that somebody else held it meanwhile: between the thread's step before and the taking, or when it tried.</param>
internal readonly record struct LockUse(long Acquisitions, long Contentions);

/// <summary>The use of locks in one schedule, read from its trace: the runtime itself counts nothing.</summary>
internal sealed class LockTally
{
    private readonly Dictionary<(ulong At, int Word, int Index), int> _released = [];
    private readonly Dictionary<int, int> _lastStep = [];

    private LockTally()
    {
    }

    /// <summary>The use by class, in the order of first use.</summary>
    public Dictionary<string, LockUse> Classes { get; } = new(StringComparer.Ordinal);

    /// <summary>For each contended acquisition its class and the steps that others took meanwhile.</summary>
    public List<(string Class, long Steps)> Waits { get; } = [];

    /// <summary>Reads a trace.</summary>
    /// <param name="trace">The trace.</param>
    /// <returns>The tally.</returns>
    public static LockTally Of(Trace trace)
    {
        var tally = new LockTally();
        for (var step = 0; step < trace.Count; step++)
        {
            tally.Note(trace[step], step);
        }

        return tally;
    }

    private void Note(in TraceEntry entry, int step)
    {
        var key = (entry.Base.Value, entry.Field?.Word ?? -1, entry.Index);
        switch (entry.Kind)
        {
            case StepKind.Lock or StepKind.ReadLock when entry.Fault == FaultKind.None:
                NoteTaken(NameOf(entry), key, _lastStep.GetValueOrDefault(entry.Id, step - 1), step);
                break;
            case StepKind.TryLock when entry.Fault == FaultKind.None:
                Add(NameOf(entry), entry.Result != 0 ? 1 : 0, entry.Result != 0 ? 0 : 1);
                break;
            case StepKind.Unlock or StepKind.ReadUnlock:
                _released[key] = step;
                break;
        }

        _lastStep[entry.Id] = step;
    }

    /// <summary>A thread wants its next step as soon as it has taken the last one.</summary>
    private void NoteTaken(string name, (ulong At, int Word, int Index) key, int wanted, int step)
    {
        var isContended = _released.GetValueOrDefault(key, -1) > wanted;
        Add(name, 1, isContended ? 1 : 0);
        if (isContended)
        {
            Waits.Add((name, step - wanted - 1));
        }
    }

    private void Add(string name, long acquisitions, long contentions)
    {
        var known = Classes.GetValueOrDefault(name);
        Classes[name] = new LockUse(known.Acquisitions + acquisitions, known.Contentions + contentions);
    }

    private static string NameOf(in TraceEntry entry) => entry.Field!.LockClass!.Name; // Only lock words are locked.
}
