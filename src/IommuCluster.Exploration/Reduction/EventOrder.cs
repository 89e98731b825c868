using System.Numerics;
using System.Runtime.InteropServices;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>
/// What of the present schedule happens before what, in units: steps of one thread without another's in between, that the
/// search takes as one. A vector clock a unit, counted in units.
/// </summary>
internal sealed class EventOrder
{
    /// <summary>Threads that are told apart.</summary>
    public const int MaxSlots = 64;

    private readonly Dictionary<ulong, int> _heads = [];
    private readonly Dictionary<int, int> _spawns = [];
    private readonly List<(int Unit, Dependence How)> _dependences = [];
    private readonly List<int> _races = [];
    private readonly int[] _clocks = new int[MaxSlots * MaxSlots];
    private readonly int[] _ids = new int[MaxSlots];
    private readonly int[] _last = new int[MaxSlots];
    private readonly int[] _test = new int[MaxSlots];
    private readonly int[] _joined = new int[MaxSlots];
    private readonly int[] _firsts = new int[MaxSlots];
    private Node[] _nodes = new Node[256];
    private Unit[] _units = new Unit[256];
    private int[] _unitClocks = new int[256 * MaxSlots];
    private int _nodeCount;
    private int _nextId;
    private int _slots; // Never less than before: beyond it all clocks are 0.
    private int _laterSlot;
    private int _before;

    /// <summary>Units of the schedule so far.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// The units with which the last one asked for races, latest first: it depends on them, and nothing orders it after them
    /// but a release that it waited for.
    /// </summary>
    public IReadOnlyList<int> Races => _races;

    /// <summary>Begins a schedule.</summary>
    public void BeginSchedule()
    {
        Count = 0;
        _nodeCount = 0;
        _heads.Clear();
        _spawns.Clear();
        Array.Clear(_clocks, 0, _slots * MaxSlots);
        Array.Clear(_ids);
        Array.Clear(_last);
    }

    /// <summary>Takes notice of the number of slots in use.</summary>
    /// <param name="slots">Their number.</param>
    public void SeeSlots(int slots) => _slots = Math.Max(_slots, slots);

    /// <summary>What comes after a barrier on its slots is ordered after all before it.</summary>
    /// <param name="barrier">The barrier.</param>
    public void Pass(in Barrier barrier)
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

    /// <summary>Appends a unit.</summary>
    /// <param name="events">Its steps; those that release what their thread holds are marked.</param>
    /// <param name="id">The thread's id.</param>
    /// <param name="frame">The choice that picked it, or -1 when there was none.</param>
    /// <param name="findsRaces">True to look for <see cref="Races"/>.</param>
    /// <exception cref="InvalidOperationException">There are too many threads.</exception>
    public void Append(Span<OrderedEvent> events, int id, int frame, bool findsRaces)
    {
        var slot = events[0].Slot;
        Begin(slot, id);
        _dependences.Clear();
        foreach (ref var made in events)
        {
            made.IsOwnRelease = OrderedEvent.IsRelease(made.Kind) && IsOwn(made);
            if (made.Object != 0)
            {
                var head = _heads.GetValueOrDefault(made.Object, -1);
                NoteDependences(made, head);
                AddNode(made, head);
            }
        }

        var clock = ClockOfThread(slot);
        Relate(slot, clock, findsRaces);
        _joined.AsSpan(0, _slots).CopyTo(clock);
        clock[slot] = _last[slot] = Count + 1;
        AddUnit(slot, frame);
        foreach (ref readonly var made in events)
        {
            if (made.Kind == StepKind.Spawn)
            {
                _spawns.Add(_nextId++, Count - 1);
            }
        }
    }

    /// <summary>Finds the races of a step that a thread waits for at the end: it might not have to if it came earlier.</summary>
    /// <param name="waiting">The step.</param>
    /// <param name="id">The thread's id.</param>
    public void RelateWaiting(in OrderedEvent waiting, int id)
    {
        _races.Clear();
        if (waiting.Object == 0 || !_heads.TryGetValue(waiting.Object, out var head))
        {
            return;
        }

        var clock = ClockOfThread(waiting.Slot);
        if (_ids[waiting.Slot] != id && _spawns.TryGetValue(id, out var spawn))
        {
            Join(clock, ClockOf(spawn));
        }

        _dependences.Clear();
        NoteDependences(waiting, head);
        Relate(waiting.Slot, clock, findsRaces: true);
    }

    /// <summary>The choice that picked a unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <returns>The choice's frame, or -1 when there was none: nobody else could run.</returns>
    public int FrameOf(int unit) => _units[unit].Frame;

    /// <summary>Who can come first where a unit was taken, if the last one asked for is to come before it.</summary>
    /// <param name="earlier">One of <see cref="Races"/>.</param>
    /// <returns>A bit for each slot that can.</returns>
    public ulong InitialsOf(int earlier)
    {
        var slotOfEarlier = _units[earlier].Slot;
        var (seen, initials) = (0UL, 0UL);
        for (var i = earlier + 1; i < _before; i++)
        {
            var clock = ClockOf(i);
            if (clock[slotOfEarlier] > earlier)
            {
                continue;
            }

            var slot = _units[i].Slot;
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

        return DependsOnFirsts(_joined, seen) ? initials : initials | (1UL << _laterSlot);
    }

    private void Begin(int slot, int id)
    {
        if (_ids[slot] == id)
        {
            return;
        }

        if (_ids[slot] != 0)
        {
            throw new InvalidOperationException($"This search follows at most {MaxSlots} threads a stage; choose another strategy.");
        }

        _ids[slot] = id;
        if (_spawns.TryGetValue(id, out var spawn))
        {
            Join(ClockOfThread(slot), ClockOf(spawn));
        }
    }

    private void NoteDependences(in OrderedEvent made, int head)
    {
        for (var i = made.IsWithin ? -1 : head; i >= 0; i = _nodes[i].Previous)
        {
            ref readonly var node = ref _nodes[i];
            if (node.Event.Slot != made.Slot && !node.Event.IsWithin && OrderedEvent.Between(node.Event, made) is not Dependence.None and var how)
            {
                _dependences.Add((node.Unit, how));
            }
        }
    }

    /// <summary>Joins the clocks of the units on which one depends, and notes those with which it races.</summary>
    private void Relate(int slot, ReadOnlySpan<int> clock, bool findsRaces)
    {
        clock[.._slots].CopyTo(_test);
        clock[.._slots].CopyTo(_joined);
        _races.Clear();
        (_laterSlot, _before) = (slot, Count);
        OrderDependences();
        foreach (var (unit, how) in _dependences)
        {
            Join(_joined, ClockOf(unit));
            if (findsRaces && how != Dependence.Order && _test[_units[unit].Slot] <= unit)
            {
                _races.Add(unit);
            }

            if (how == Dependence.Race)
            {
                Join(_test, ClockOf(unit));
            }
        }
    }

    /// <summary>Latest first, one a unit: the other order of two units is impossible where that of two of their steps is.</summary>
    private void OrderDependences()
    {
        var found = CollectionsMarshal.AsSpan(_dependences);
        var isInOrder = true;
        for (var i = 1; i < found.Length && isInOrder; i++)
        {
            isInOrder = found[i].Unit < found[i - 1].Unit;
        }

        if (isInOrder)
        {
            return;
        }

        found.Sort(static (a, b) => a.Unit != b.Unit ? b.Unit.CompareTo(a.Unit) : b.How.CompareTo(a.How));
        var kept = 1;
        for (var i = 1; i < found.Length; i++)
        {
            if (found[i].Unit != found[kept - 1].Unit)
            {
                found[kept++] = found[i];
            }
        }

        CollectionsMarshal.SetCount(_dependences, kept);
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

    private void AddNode(in OrderedEvent made, int head)
    {
        if (_nodeCount == _nodes.Length)
        {
            Array.Resize(ref _nodes, _nodeCount * 2);
        }

        _nodes[_nodeCount] = new Node { Event = made, Previous = head, Unit = Count };
        _heads[made.Object] = _nodeCount++;
    }

    private void AddUnit(int slot, int frame)
    {
        if (Count == _units.Length)
        {
            Array.Resize(ref _units, Count * 2);
            Array.Resize(ref _unitClocks, Count * 2 * MaxSlots);
        }

        _units[Count] = new Unit(slot, frame);
        ClockOfThread(slot)[.._slots].CopyTo(ClockOf(Count));
        Count++;
    }

    private Span<int> ClockOf(int unit) => _unitClocks.AsSpan(unit * MaxSlots, MaxSlots);

    private Span<int> ClockOfThread(int slot) => _clocks.AsSpan(slot * MaxSlots, MaxSlots);

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

        public int Unit;
    }

    private readonly record struct Unit(int Slot, int Frame);
}
