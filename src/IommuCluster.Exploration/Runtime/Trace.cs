using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>One step of a schedule, as it was taken.</summary>
public struct TraceEntry
{
    /// <summary>The thread's slot.</summary>
    public int Thread;

    /// <summary>The thread's id: unlike its slot, never used again in the schedule.</summary>
    public int Id;

    /// <summary>What it did.</summary>
    public StepKind Kind;

    /// <summary>How the access was marked.</summary>
    public Marking Marking;

    /// <summary>How it went wrong, if it did.</summary>
    public FaultKind Fault;

    /// <summary>Element of an array field.</summary>
    public int Index;

    /// <summary>The method that took the step.</summary>
    public string Function;

    /// <summary>The field, or null.</summary>
    public FieldDescriptor? Field;

    /// <summary>The object, or a place inside it.</summary>
    public Address Base;

    /// <summary>The word written or added.</summary>
    public ulong Value;

    /// <summary>The word answered.</summary>
    public ulong Result;
}

/// <summary>The steps of one schedule, in order; its memory is used again for the next one.</summary>
public sealed class Trace
{
    private TraceEntry[] _entries = new TraceEntry[1024];
    private OwnLine<int> _count;

    /// <summary>Number of steps.</summary>
    public int Count => _count.Value;

    /// <summary>A step.</summary>
    /// <param name="step">Its number in the schedule, from 0.</param>
    public ref readonly TraceEntry this[int step] => ref _entries[step];

    /// <summary>Forgets all steps.</summary>
    internal void Clear() => _count.Value = 0;

    /// <summary>Makes room for one more step.</summary>
    /// <returns>The entry, with what an earlier schedule left in it.</returns>
    internal ref TraceEntry Add()
    {
        if (_count.Value == _entries.Length)
        {
            Array.Resize(ref _entries, _entries.Length * 2);
        }

        return ref _entries[_count.Value++];
    }
}
