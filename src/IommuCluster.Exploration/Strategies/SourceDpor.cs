using System.Numerics;
using System.Runtime.InteropServices;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Source-DPOR with sleep sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014): at least one schedule of each class of
/// schedules that differ only in the order of independent steps, nothing remembered but the present one. Steps depend on
/// each other through a word, or the freeing of the object around it; the order of a lock's critical sections is part of
/// it, and a release never comes before another's acquire in the other order. Spawning hands out ids, so that spawns
/// depend on each other; who sleeps wakes when nobody can run, thus after everything before. An oops ends a schedule but
/// no class: the others go on as if its thread rested before it. Lazily, critical sections that run as a whole are units,
/// and those of one lock are ordered only where they conflict in what they touch (<see cref="LazySections"/>).
/// </summary>
public sealed class SourceDpor : ISearch, IResumable
{
    private const int NotAsked = -1;
    private const int WentOn = -2;

    private readonly LazySections? _lazy;
    private readonly EventOrder _order = new();
    private readonly List<OrderedEvent> _unit = [];
    private readonly OrderedEvent[] _announced = new OrderedEvent[EventOrder.MaxSlots];
    private readonly OrderedEvent[]?[] _asleep = new OrderedEvent[]?[EventOrder.MaxSlots];
    private DporSubtree _tree = new();
    private int[] _frameAt = new int[256];
    private DeterministicRuntime? _runtime;
    private int _steps;
    private int _barrier;
    private int _unitId;
    private int _unitFirst;
    private int _branch;
    private int _depth;
    private ulong _sleep;
    private bool _isRedundant;

    /// <summary>Makes a search.</summary>
    /// <param name="isLazy">True to order critical sections that run as a whole by what they touch only.</param>
    public SourceDpor(bool isLazy = false) => _lazy = isLazy ? new LazySections() : null;

    /// <summary>Makes a search of a part of the whole.</summary>
    /// <param name="subtree">What to search; what is left of it then.</param>
    internal SourceDpor(DporSubtree subtree) => _tree = subtree;

    /// <inheritdoc/>
    public string Name => _lazy is null ? StrategyCatalog.Dpor : StrategyCatalog.LazyDpor;

    /// <inheritdoc/>
    public bool IsExhausted => _tree.IsDone;

    /// <inheritdoc/>
    public int? CompletedBound => null;

    /// <inheritdoc/>
    public bool IsApproximate => false;

    /// <inheritdoc/>
    public long? StateCount => null;

    /// <inheritdoc/>
    public double? Progress => IsExhausted ? 1 : null;

    /// <summary>Schedules that ran to their end, whichever it was; since the last lesson of a lazy search.</summary>
    public long Executions { get; private set; }

    /// <summary>Schedules that were given up because all who could run were asleep: what follows was run before. Not among <see cref="Executions"/>.</summary>
    public long SleepBlocked { get; private set; }

    private List<DporFrame> Stack => _tree.Stack;

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _runtime = null;
        _steps = 0;
        _barrier = 0;
        _depth = 0;
        _sleep = 0;
        _isRedundant = false;
        _branch = Stack.Count > 0 ? Stack[^1].Step : 0;
        _unit.Clear();
        _order.BeginSchedule();
        _lazy?.BeginSchedule(number);
        Array.Fill(_frameAt, NotAsked);
        return !IsExhausted;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        _runtime = choice.Runtime;
        Follow(choice.Runtime);
        if (CanGoOn(choice))
        {
            NoteAsked(WentOn);
            return choice.Current;
        }

        EndUnit();
        _lazy?.NoteWaiting(choice.Runtime);
        if (_lazy is { IsLearning: true })
        {
            return _lazy.Walk(choice);
        }

        if (FrameOf(choice) is not { } frame)
        {
            return ChoiceOutcome.Abandon;
        }

        NoteAsked(_depth++);
        PutToSleep(choice.Runtime, frame);
        return frame.Chosen;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        if (_runtime is { } runtime)
        {
            Follow(runtime);
            EndUnit();
            _lazy?.NoteWaiting(runtime);
            if (_lazy is not { IsLearning: true })
            {
                FollowEnd(runtime, end);
            }
        }

        if (_lazy?.EndSchedule(end) == true)
        {
            (Executions, SleepBlocked) = (0, 0);
            Stack.Clear();
        }

        if (_lazy is not { IsLearning: true })
        {
            Count();
            TakeNext();
        }
    }

    /// <inheritdoc/>
    void IResumable.Save(BinaryWriter writer)
    {
        SearchTree.WriteKind(writer, Name);
        writer.Write(Executions);
        writer.Write(SleepBlocked);
        _lazy?.Save(writer);
        _tree.Save(writer);
    }

    /// <inheritdoc/>
    void IResumable.Load(BinaryReader reader)
    {
        SearchTree.ReadKind(reader, Name);
        Executions = reader.ReadInt64();
        SleepBlocked = reader.ReadInt64();
        _lazy?.Load(reader);
        _tree = DporSubtree.Load(reader);
    }

    /// <summary>The choice at hand: as an earlier schedule made it, or a new one.</summary>
    /// <returns>Its frame; null when all who could run are asleep.</returns>
    private DporFrame? FrameOf(in Choice choice)
    {
        if (_depth < Stack.Count)
        {
            var known = Stack[_depth];
            return known.Enabled == choice.Enabled && known.Step == _steps ? known
                : throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to threads {choice.Enabled:x} at step {_steps} where they led to {known.Enabled:x} at step {known.Step} before.");
        }

        var awake = choice.Enabled & ~_sleep;
        if (_isRedundant || awake == 0)
        {
            _isRedundant = true;
            return null;
        }

        var chosen = (awake >> choice.Default & 1) != 0 ? choice.Default : BitOperations.TrailingZeroCount(awake);
        var frame = new DporFrame(_steps, choice.Enabled, _sleep, chosen) { Units = _lazy is null ? null : [] };
        for (var asleep = _lazy is null ? 0 : _sleep; asleep != 0; asleep &= asleep - 1)
        {
            var slot = BitOperations.TrailingZeroCount(asleep);
            frame.Units!.Add(slot, _asleep[slot]!); // A lazy search keeps the unit of whoever sleeps.
        }

        Stack.Add(frame);
        return frame;
    }

    private void NoteAsked(int answer)
    {
        if (_steps >= _frameAt.Length)
        {
            var size = _frameAt.Length;
            Array.Resize(ref _frameAt, Math.Max(size * 2, _steps + 1));
            Array.Fill(_frameAt, NotAsked, size, _frameAt.Length - size);
        }

        _frameAt[_steps] = answer;
    }

    private int AnswerAt(int step) => step < _frameAt.Length ? _frameAt[step] : NotAsked;

    /// <summary>Takes notice of the steps since it was asked last. Of a lazy search the last unit stays open.</summary>
    private void Follow(DeterministicRuntime runtime)
    {
        _order.SeeSlots(runtime.ThreadCount);
        _lazy?.Follow(runtime, _branch);
        while (_lazy is not { IsLearning: true })
        {
            for (; _barrier < runtime.Barriers.Count && runtime.Barriers[_barrier].Step <= _steps; _barrier++)
            {
                EndUnit();
                _order.Pass(runtime.Barriers[_barrier]);
            }

            if (_steps == runtime.Trace.Count)
            {
                return;
            }

            Follow(runtime.Trace[_steps]);
        }
    }

    private void Follow(in TraceEntry step)
    {
        if (_unit.Count > 0 && !GoesOn(step))
        {
            EndUnit();
        }

        if (_unit.Count == 0)
        {
            (_unitId, _unitFirst) = (step.Id, _steps);
        }

        _unit.Add(OrderedEvent.Of(step));
        _steps++;
        if (_lazy is null)
        {
            EndUnit();
        }
    }

    private bool GoesOn(in TraceEntry step) =>
        step.Id == _unitId && _lazy is not null && AnswerAt(_steps) switch { WentOn => true, NotAsked => _lazy.WentOn(_steps), _ => false };

    private bool CanGoOn(in Choice choice) =>
        _unit.Count > 0 && choice.CanStay && choice.Runtime.Thread(choice.Current) is var thread
        && thread.Id == _unitId && _lazy is { IsLearning: false } && _lazy.CanGoOn(choice.Runtime, thread);

    private void EndUnit()
    {
        if (_unit.Count == 0)
        {
            return;
        }

        var unit = CollectionsMarshal.AsSpan(_unit);
        _lazy?.Loosen(unit);
        var frame = AnswerAt(_unitFirst);
        _order.Append(unit, _unitId, frame, findsRaces: _unitFirst >= _branch);
        ReverseRaces();
        if (_lazy is not null && frame >= 0)
        {
            Stack[frame].Units!.TryAdd(unit[0].Slot, [.. unit]);
        }

        WakeDependent(unit);
        _unit.Clear();
    }

    /// <summary>Sees to it that of two that race the later one, or what it needs, is tried before the earlier one.</summary>
    private void ReverseRaces()
    {
        foreach (var earlier in _order.Races)
        {
            if (_order.FrameOf(earlier) is >= 0 and var frame) // Else nobody else could run.
            {
                // One of them that cannot run there waits for something that only the earlier event gives.
                Try(frame, _order.InitialsOf(earlier) & Stack[frame].Enabled);
            }
        }
    }

    /// <summary>Sees to it that one of some is tried at a choice.</summary>
    private void Try(int number, ulong initials)
    {
        if (number < _tree.Shared)
        {
            _tree.Wish(number, initials);
        }
        else if (!Stack[number].Has(initials))
        {
            Stack[number].Backtrack |= 1UL << BitOperations.TrailingZeroCount(initials);
        }
    }

    private void FollowEnd(DeterministicRuntime runtime, ScheduleEnd end)
    {
        for (var waiting = end == ScheduleEnd.Completed ? 0 : runtime.Waiting; waiting != 0; waiting &= waiting - 1)
        {
            var thread = runtime.Thread(BitOperations.TrailingZeroCount(waiting));
            _order.RelateWaiting(OrderedEvent.Of(thread), thread.Id);
            ReverseRaces();
        }

        if (end == ScheduleEnd.Oopsed)
        {
            LetOthersGoOn(runtime.Trace[_steps - 1].Thread);
        }
    }

    /// <summary>After an oops: what the others would have done is run with the thread resting before it.</summary>
    private void LetOthersGoOn(int slot)
    {
        if (_order.FrameOf(_order.Count - 1) is >= 0 and var frame)
        {
            Try(frame, Stack[frame].Enabled & ~Stack[frame].Sleep & ~(1UL << slot));
        }
    }

    private void Count()
    {
        if (_isRedundant)
        {
            SleepBlocked++;
        }
        else
        {
            Executions++;
        }
    }

    private void TakeNext()
    {
        while (Stack.Count > _tree.Shared)
        {
            var frame = Stack[^1];
            frame.Done |= 1UL << frame.Chosen;
            if (frame.Left != 0)
            {
                frame.Chosen = BitOperations.TrailingZeroCount(frame.Left);
                return;
            }

            Stack.RemoveAt(Stack.Count - 1);
        }

        _tree.IsDone = true;
    }

    /// <summary>Notes the steps of those who sleep from here on: when they are asked for, somebody may have run already because nobody else could.</summary>
    private void PutToSleep(DeterministicRuntime runtime, DporFrame frame)
    {
        _sleep = frame.Sleep | frame.Done;
        for (var slots = _sleep; slots != 0; slots &= slots - 1)
        {
            var slot = BitOperations.TrailingZeroCount(slots);
            if (frame.Units is { } units)
            {
                _asleep[slot] = units[slot];
            }
            else
            {
                _announced[slot] = OrderedEvent.Of(runtime.Thread(slot));
            }
        }
    }

    private void WakeDependent(ReadOnlySpan<OrderedEvent> taken)
    {
        if ((_sleep >> taken[0].Slot & 1) != 0)
        {
            _isRedundant = true; // Nobody else could run, and that was run before.
        }

        for (var asleep = _sleep; asleep != 0; asleep &= asleep - 1)
        {
            var slot = BitOperations.TrailingZeroCount(asleep);
            if (AreDependent(_lazy is null ? new ReadOnlySpan<OrderedEvent>(in _announced[slot]) : _asleep[slot], taken))
            {
                _sleep &= ~(1UL << slot);
            }
        }
    }

    private static bool AreDependent(ReadOnlySpan<OrderedEvent> announced, ReadOnlySpan<OrderedEvent> taken)
    {
        foreach (ref readonly var one in announced)
        {
            foreach (ref readonly var other in taken)
            {
                if (OrderedEvent.AreDependent(one, other))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
