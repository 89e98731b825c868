using System.Numerics;
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
/// no class: the others go on as if its thread rested before it.
/// </summary>
public sealed class SourceDpor : ISearch, IResumable
{
    private const int MaxSlots = 64;

    private readonly List<Frame> _stack = [];
    private readonly Dictionary<ulong, int> _heads = [];
    private readonly Dictionary<int, int> _spawns = [];
    private readonly List<int> _races = [];
    private readonly int[] _clocks = new int[MaxSlots * MaxSlots];
    private readonly int[] _ids = new int[MaxSlots];
    private readonly int[] _last = new int[MaxSlots];
    private readonly int[] _test = new int[MaxSlots];
    private readonly int[] _joined = new int[MaxSlots];
    private readonly int[] _firsts = new int[MaxSlots];
    private readonly OrderedEvent[] _announced = new OrderedEvent[MaxSlots];
    private Node[] _nodes = new Node[256];
    private int[] _eventClocks = new int[256 * MaxSlots];
    private int[] _frameAt = new int[256];
    private DeterministicRuntime? _runtime;
    private int _count;
    private int _barrier;
    private int _nextId;
    private int _slots;
    private int _branch;
    private int _depth;
    private ulong _sleep;
    private bool _isRedundant;

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Dpor;

    /// <inheritdoc/>
    public bool IsExhausted { get; private set; }

    /// <inheritdoc/>
    public int? CompletedBound => null;

    /// <inheritdoc/>
    public bool IsApproximate => false;

    /// <inheritdoc/>
    public long? StateCount => null;

    /// <inheritdoc/>
    public double Progress => IsExhausted ? 1 : SearchTree.Progress(_stack.Select(frame => (BitOperations.PopCount(frame.Backtrack & ~frame.Sleep), BitOperations.PopCount(frame.Done))));

    /// <summary>Schedules that ran to their end, whichever it was.</summary>
    public long Executions { get; private set; }

    /// <summary>Schedules that were given up because all who could run were asleep: what follows was run before. Not among <see cref="Executions"/>.</summary>
    public long SleepBlocked { get; private set; }

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _runtime = null;
        _count = 0;
        _barrier = 0;
        _slots = 0;
        _depth = 0;
        _sleep = 0;
        _isRedundant = false;
        _branch = _stack.Count > 0 ? _stack[^1].Step : 0;
        _heads.Clear();
        _spawns.Clear();
        Array.Clear(_clocks);
        Array.Clear(_ids);
        Array.Clear(_last);
        Array.Fill(_frameAt, -1);
        return !IsExhausted;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        _runtime = choice.Runtime;
        Follow(choice.Runtime);
        Frame frame;
        if (_depth < _stack.Count)
        {
            frame = _stack[_depth];
            if (frame.Enabled != choice.Enabled || frame.Step != _count)
            {
                throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to threads {choice.Enabled:x} at step {_count} where they led to {frame.Enabled:x} at step {frame.Step} before.");
            }
        }
        else
        {
            var awake = choice.Enabled & ~_sleep;
            if (_isRedundant || awake == 0)
            {
                _isRedundant = true;
                return ChoiceOutcome.Abandon;
            }

            var chosen = (awake >> choice.Default & 1) != 0 ? choice.Default : BitOperations.TrailingZeroCount(awake);
            frame = new Frame(_count, choice.Enabled, _sleep, chosen);
            _stack.Add(frame);
        }

        if (_count >= _frameAt.Length)
        {
            var size = _frameAt.Length;
            Array.Resize(ref _frameAt, Math.Max(size * 2, _count + 1));
            Array.Fill(_frameAt, -1, size, _frameAt.Length - size);
        }

        _frameAt[_count] = _depth++;
        PutToSleep(choice.Runtime, frame.Sleep | frame.Done);
        return frame.Chosen;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        if (_runtime is { } runtime)
        {
            Follow(runtime);
            if (end != ScheduleEnd.Completed)
            {
                FollowWaiting(runtime);
            }

            if (end == ScheduleEnd.Oopsed)
            {
                LetOthersGoOn();
            }
        }

        if (_isRedundant)
        {
            SleepBlocked++;
        }
        else
        {
            Executions++;
        }

        while (_stack.Count > 0)
        {
            var frame = _stack[^1];
            frame.Done |= 1UL << frame.Chosen;
            var left = frame.Backtrack & ~frame.Done & ~frame.Sleep;
            if (left != 0)
            {
                frame.Chosen = BitOperations.TrailingZeroCount(left);
                return;
            }

            _stack.RemoveAt(_stack.Count - 1);
        }

        IsExhausted = true;
    }

    /// <inheritdoc/>
    void IResumable.Save(BinaryWriter writer)
    {
        SearchTree.WriteKind(writer, Name);
        writer.Write(IsExhausted);
        writer.Write(Executions);
        writer.Write(SleepBlocked);
        writer.Write(_stack.Count);
        foreach (var frame in _stack)
        {
            frame.Save(writer);
        }
    }

    /// <inheritdoc/>
    void IResumable.Load(BinaryReader reader)
    {
        SearchTree.ReadKind(reader, Name);
        IsExhausted = reader.ReadBoolean();
        Executions = reader.ReadInt64();
        SleepBlocked = reader.ReadInt64();
        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            _stack.Add(Frame.Load(reader));
        }
    }

    /// <summary>Takes notice of the steps since it was asked last.</summary>
    private void Follow(DeterministicRuntime runtime)
    {
        _slots = Math.Max(_slots, runtime.ThreadCount);
        while (true)
        {
            for (; _barrier < runtime.Barriers.Count && runtime.Barriers[_barrier].Step <= _count; _barrier++)
            {
                Pass(runtime.Barriers[_barrier]);
            }

            if (_count == runtime.Trace.Count)
            {
                return;
            }

            Append(runtime.Trace[_count]);
            WakeDependent(_nodes[_count - 1].Event);
        }
    }

    /// <summary>What comes after a barrier on these slots is ordered after all before it.</summary>
    private void Pass(in Barrier barrier)
    {
        for (var slots = barrier.Slots; slots != 0; slots &= slots - 1)
        {
            var slot = BitOperations.TrailingZeroCount(slots);
            Join(_clocks.AsSpan(slot * MaxSlots, MaxSlots), _last);
            if (barrier.IsStage)
            {
                _ids[slot] = 0;
                _nextId = barrier.NextId;
            }
        }
    }

    private void Append(in TraceEntry entry)
    {
        if (_count == _nodes.Length)
        {
            Array.Resize(ref _nodes, _count * 2);
            Array.Resize(ref _eventClocks, _count * 2 * MaxSlots);
        }

        var made = OrderedEvent.Of(entry);
        var clock = _clocks.AsSpan(made.Slot * MaxSlots, MaxSlots);
        if (_ids[made.Slot] != entry.Id)
        {
            if (_ids[made.Slot] != 0)
            {
                throw new InvalidOperationException($"{Name} follows at most {MaxSlots} threads a stage; choose another strategy.");
            }

            _ids[made.Slot] = entry.Id;
            if (_spawns.TryGetValue(entry.Id, out var spawn))
            {
                Join(clock, ClockOf(spawn));
            }
        }

        made.IsOwnRelease = OrderedEvent.IsRelease(made.Kind) && IsOwn(made);
        ref var node = ref _nodes[_count];
        node.Event = made;
        node.Frame = _count < _frameAt.Length ? _frameAt[_count] : -1;
        node.Previous = -1;
        if (made.Object != 0)
        {
            node.Previous = _heads.GetValueOrDefault(made.Object, -1);
            Relate(made, node.Previous, clock);
            _joined.CopyTo(clock);
            _heads[made.Object] = _count;
        }

        clock[made.Slot] = _last[made.Slot] = _count + 1;
        clock.CopyTo(ClockOf(_count));
        if (made.Kind == StepKind.Spawn)
        {
            _spawns.Add(_nextId++, _count);
        }

        _count++;
    }

    /// <summary>
    /// Joins the clocks of the events on which one depends and notes those with which it races: not ordered before it by
    /// anything but a release that it waited for.
    /// </summary>
    private void Relate(in OrderedEvent made, int head, ReadOnlySpan<int> clock)
    {
        clock.CopyTo(_test);
        clock.CopyTo(_joined);
        _races.Clear();
        for (var i = head; i >= 0; i = _nodes[i].Previous)
        {
            ref readonly var other = ref _nodes[i].Event;
            if (other.Slot == made.Slot)
            {
                continue;
            }

            var dependence = OrderedEvent.Between(other, made);
            if (dependence == Dependence.None)
            {
                continue;
            }

            Join(_joined, ClockOf(i));
            if (dependence != Dependence.Order && _test[other.Slot] <= i && _count >= _branch)
            {
                _races.Add(i);
            }

            if (dependence == Dependence.Race)
            {
                Join(_test, ClockOf(i));
            }
        }

        foreach (var race in _races)
        {
            Reverse(race, made);
        }
    }

    /// <summary>Sees to it that somebody who can come first, if the later event is to come before the earlier one, is tried there.</summary>
    private void Reverse(int earlier, in OrderedEvent later)
    {
        ref readonly var node = ref _nodes[earlier];
        if (node.Frame < 0)
        {
            return; // Nobody else could run.
        }

        var seen = 0UL;
        var initials = 0UL;
        for (var i = earlier + 1; i < _count; i++)
        {
            var clock = ClockOf(i);
            if (clock[node.Event.Slot] > earlier)
            {
                continue;
            }

            var slot = _nodes[i].Event.Slot;
            if (!DependsOnFirsts(clock, seen))
            {
                initials |= 1UL << slot;
            }

            if ((seen >> slot & 1) == 0)
            {
                seen |= 1UL << slot;
                _firsts[slot] = i;
            }
        }

        if (!DependsOnFirsts(_joined, seen))
        {
            initials |= 1UL << later.Slot;
        }

        // One of them that cannot run there waits for something that only the earlier event gives.
        var frame = _stack[node.Frame];
        initials &= frame.Enabled;
        if (initials != 0 && (initials & (frame.Backtrack | frame.Sleep)) == 0)
        {
            frame.Backtrack |= LowestOf(initials);
        }
    }

    private bool DependsOnFirsts(ReadOnlySpan<int> clock, ulong seen)
    {
        for (; seen != 0; seen &= seen - 1)
        {
            var slot = BitOperations.TrailingZeroCount(seen);
            if (clock[slot] > _firsts[slot])
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Those who still wait at the end might not have to if they came earlier.</summary>
    private void FollowWaiting(DeterministicRuntime runtime)
    {
        for (var waiting = runtime.Waiting; waiting != 0; waiting &= waiting - 1)
        {
            var slot = BitOperations.TrailingZeroCount(waiting);
            var thread = runtime.Thread(slot);
            var announced = OrderedEvent.Of(thread);
            if (announced.Object == 0 || !_heads.TryGetValue(announced.Object, out var head))
            {
                continue;
            }

            var clock = _clocks.AsSpan(slot * MaxSlots, MaxSlots);
            if (_ids[slot] != thread.Id && _spawns.TryGetValue(thread.Id, out var spawn))
            {
                Join(clock, ClockOf(spawn));
            }

            Relate(announced, head, clock);
        }
    }

    /// <summary>After an oops: what the others would have done is run with the thread resting before it.</summary>
    private void LetOthersGoOn()
    {
        ref readonly var oops = ref _nodes[_count - 1];
        if (oops.Frame < 0)
        {
            return;
        }

        var frame = _stack[oops.Frame];
        var others = frame.Enabled & ~frame.Sleep & ~(1UL << oops.Event.Slot);
        if ((frame.Backtrack & others) == 0)
        {
            frame.Backtrack |= LowestOf(others);
        }
    }

    /// <summary>Notes the steps of those who sleep from here on: when they are asked for, somebody may have run already because nobody else could.</summary>
    private void PutToSleep(DeterministicRuntime runtime, ulong slots)
    {
        _sleep = slots;
        for (; slots != 0; slots &= slots - 1)
        {
            var slot = BitOperations.TrailingZeroCount(slots);
            _announced[slot] = OrderedEvent.Of(runtime.Thread(slot));
        }
    }

    private void WakeDependent(in OrderedEvent taken)
    {
        if ((_sleep >> taken.Slot & 1) != 0)
        {
            _isRedundant = true; // Nobody else could run, and that was run before.
        }

        for (var asleep = _sleep; asleep != 0; asleep &= asleep - 1)
        {
            var slot = BitOperations.TrailingZeroCount(asleep);
            if (OrderedEvent.AreDependent(_announced[slot], taken))
            {
                _sleep &= ~(1UL << slot);
            }
        }
    }

    private bool IsOwn(in OrderedEvent release)
    {
        if (release.Kind == StepKind.RcuReadUnlock)
        {
            return true;
        }

        for (var i = _heads.GetValueOrDefault(release.Object, -1); i >= 0; i = _nodes[i].Previous)
        {
            ref readonly var other = ref _nodes[i].Event;
            if (other.Word != release.Word || other.OnlyLooks)
            {
                continue;
            }

            if (other.Slot == release.Slot || release.Kind != StepKind.ReadUnlock || other.Kind is not (StepKind.ReadLock or StepKind.ReadUnlock))
            {
                return other.Slot == release.Slot && OrderedEvent.IsAcquire(other.Kind);
            }
        }

        return false;
    }

    private static ulong LowestOf(ulong slots) => slots == 0 ? 0 : 1UL << BitOperations.TrailingZeroCount(slots);

    private Span<int> ClockOf(int number) => _eventClocks.AsSpan(number * MaxSlots, MaxSlots);

    private void Join(Span<int> into, ReadOnlySpan<int> from)
    {
        for (var i = 0; i < _slots; i++)
        {
            into[i] = Math.Max(into[i], from[i]);
        }
    }

    private struct Node
    {
        public OrderedEvent Event;

        /// <summary>The event before it on its object, or -1.</summary>
        public int Previous;

        /// <summary>The choice that picked it, or -1 when there was none.</summary>
        public int Frame;
    }

    private sealed class Frame(int step, ulong enabled, ulong sleep, int chosen)
    {
        public int Step { get; } = step;

        public ulong Enabled { get; } = enabled;

        /// <summary>Those whose steps were run before and would only be run again.</summary>
        public ulong Sleep { get; } = sleep;

        public int Chosen { get; set; } = chosen;

        public ulong Backtrack { get; set; } = 1UL << chosen;

        public ulong Done { get; set; }

        public void Save(BinaryWriter writer)
        {
            writer.Write(Step);
            writer.Write(Enabled);
            writer.Write(Sleep);
            writer.Write(Chosen);
            writer.Write(Backtrack);
            writer.Write(Done);
        }

        public static Frame Load(BinaryReader reader) =>
            new(reader.ReadInt32(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt32()) { Backtrack = reader.ReadUInt64(), Done = reader.ReadUInt64() };
    }
}
