using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>
/// The lazy happens-before relation (Thomson, Donaldson, PPoPP 2015) for a search by units: where critical sections run as a
/// whole, their lock orders nothing but what they touch. A unit is a step and those after it with which nobody else can
/// interfere, so that taking it at once loses nothing (Lipton, Reduction, CACM 1975). A lock that is only ever taken and
/// released within one unit is free whenever anybody chooses: nobody waits for it, nobody waits while he holds it, it takes
/// part in no deadlock; what is left of it is a look at its word, which only a free of its object minds. Any other lock is
/// ordered in full. Which steps and locks these are is assumed from what was run so far and checked against each schedule;
/// if one proves it wrong, the search learns by some walks at random and begins anew.
/// </summary>
internal sealed class LazySections
{
    private const int MinWalks = 8;
    private const int MaxWalks = 2_000;

    private readonly ExclusiveSteps _exclusive = new() { KeepsSteps = true };
    private readonly HashSet<(ulong Object, int Word)> _held = [];
    private readonly HashSet<(ulong Object, int Word)> _trusted = [];
    private readonly RandomWalk _walk = new(seed: 1);
    private bool _wasWrong;
    private long _sinceLesson;
    private int _toLearn;

    /// <summary>True while a schedule is a lesson: what it does is no part of the search.</summary>
    public bool IsLearning { get; private set; }

    /// <summary>Begins a schedule.</summary>
    /// <param name="number">Its number.</param>
    public void BeginSchedule(long number)
    {
        _exclusive.BeginSchedule();
        _walk.BeginSchedule(number);
        IsLearning = _toLearn > 0;
    }

    /// <summary>Picks at random, for a lesson.</summary>
    /// <param name="choice">Who can run.</param>
    /// <returns>One of them.</returns>
    public int Walk(in Choice choice) => _walk.Choose(choice);

    /// <summary>Takes notice of the steps since it was asked last.</summary>
    /// <param name="runtime">Where they were taken.</param>
    /// <param name="known">Number of steps that an earlier schedule began with as well.</param>
    public void Follow(DeterministicRuntime runtime, int known)
    {
        _exclusive.Follow(runtime, known);
        IsLearning |= _exclusive.WasWrong;
    }

    /// <summary>Tells whether a unit can go on with its thread's announced step.</summary>
    /// <param name="runtime">Where it is announced; all steps before have been followed.</param>
    /// <param name="thread">The thread; it can take the step now.</param>
    /// <returns>True when nobody else can interfere with it.</returns>
    public bool CanGoOn(DeterministicRuntime runtime, KernelThread thread) =>
        thread.Request.Kind != StepKind.Sleep && _exclusive.IsExclusive(runtime, thread);

    /// <summary>Tells whether a step that was taken without a choice goes on with the unit before it.</summary>
    /// <param name="step">Its number in the schedule.</param>
    /// <returns>True when nobody else could interfere with it.</returns>
    public bool WentOn(int step) => _exclusive.WasExclusive(step);

    /// <summary>Takes notice of those who wait.</summary>
    /// <param name="runtime">Where they wait.</param>
    public void NoteWaiting(DeterministicRuntime runtime)
    {
        _exclusive.NoteWaiting(runtime);
        IsLearning |= _exclusive.WasWrong;
    }

    /// <summary>Takes a unit's locks out of the order of events where its sections are whole.</summary>
    /// <param name="unit">The steps of a unit that has ended.</param>
    public void Loosen(Span<OrderedEvent> unit)
    {
        for (var i = 0; i < unit.Length; i++)
        {
            var word = (unit[i].Object, unit[i].Word);
            if (ReleaseOf(unit, i) is >= 0 and var release)
            {
                unit[release].IsWithin = true;
                if (unit[i].Kind is StepKind.Lock or StepKind.ReadLock && !_held.Contains(word))
                {
                    unit[i].BecomeALook();
                    unit[release].BecomeALook();
                    _trusted.Add(word);
                    continue;
                }
            }

            if (IsOfALock(unit[i].Kind) && !unit[i].IsWithin)
            {
                _wasWrong |= _held.Add(word) && _trusted.Contains(word);
            }
        }

        IsLearning |= _wasWrong;
    }

    /// <summary>Ends a schedule.</summary>
    /// <param name="end">How it ended.</param>
    /// <returns>True when the search must begin anew.</returns>
    public bool EndSchedule(ScheduleEnd end)
    {
        if (end is ScheduleEnd.Completed or ScheduleEnd.Stuck)
        {
            _exclusive.NoteEnd();
        }

        _sinceLesson++;
        var isWrong = _wasWrong || _exclusive.WasWrong;
        if (isWrong)
        {
            // A few walks at random teach more than the search's first branches, and cost little beside what is thrown away.
            _toLearn = (int)Math.Clamp(_sinceLesson / 8, MinWalks, MaxWalks);
            _sinceLesson = 0;
            _wasWrong = false;
            _trusted.Clear();
            _exclusive.BeginAnew();
        }
        else if (IsLearning)
        {
            _toLearn--;
        }

        IsLearning |= isWrong;
        return isWrong;
    }

    /// <summary>Writes what was learnt and what is trusted.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(_sinceLesson);
        writer.Write(_toLearn);
        _exclusive.Save(writer);
        Save(writer, _held);
        Save(writer, _trusted);
    }

    /// <summary>Takes up what <see cref="Save(BinaryWriter)"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    public void Load(BinaryReader reader)
    {
        _sinceLesson = reader.ReadInt64();
        _toLearn = reader.ReadInt32();
        _exclusive.Load(reader);
        Load(reader, _held);
        Load(reader, _trusted);
    }

    private static bool IsOfALock(StepKind kind) => kind is StepKind.Lock or StepKind.ReadLock or StepKind.TryLock or StepKind.Unlock or StepKind.ReadUnlock;

    /// <summary>The step of a unit that releases what another one takes, or -1.</summary>
    private static int ReleaseOf(ReadOnlySpan<OrderedEvent> unit, int acquire)
    {
        var release = unit[acquire] switch
        {
            { OnlyLooks: true } => StepKind.Load,
            { Kind: StepKind.Lock or StepKind.TryLock } => StepKind.Unlock,
            { Kind: StepKind.ReadLock } => StepKind.ReadUnlock,
            { Kind: StepKind.RcuReadLock } => StepKind.RcuReadUnlock,
            _ => StepKind.Load,
        };
        for (var i = acquire + 1; i < unit.Length && release != StepKind.Load; i++)
        {
            if (unit[i].Kind == release && unit[i].Object == unit[acquire].Object && unit[i].Word == unit[acquire].Word && !unit[i].IsWithin)
            {
                return i;
            }
        }

        return -1;
    }

    private static void Save(BinaryWriter writer, HashSet<(ulong Object, int Word)> words)
    {
        writer.Write(words.Count);
        foreach (var (made, word) in words)
        {
            writer.Write(made);
            writer.Write(word);
        }
    }

    private static void Load(BinaryReader reader, HashSet<(ulong Object, int Word)> words)
    {
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            words.Add((reader.ReadUInt64(), reader.ReadInt32()));
        }
    }
}
