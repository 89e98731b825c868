using System.Numerics;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Searches states depth first: takes steps with which nobody can interfere at once, gives a schedule up where it meets a
/// state again, and lets those sleep whose step would only lead to what was seen (sleep sets: Godefroid, LNCS 1032, 1996).
/// What it has exhausted is a proof within the workload's bounds. A thread in the middle of a method cannot be copied, so
/// each branch is reached by running the choices before it again. Optionally only schedules with at most so many
/// preemptions are searched; then nobody sleeps. A visited state drops the history of those who come there later, and with
/// it data races; so a race is two conflicting steps, not both marked, that are enabled in the same state. The first
/// pair of its site is run one step after the other, in a schedule of its own: the happens-before check then reports
/// it with all that reports need, and a replay shows it, too.
/// </summary>
public sealed class StateSearch : ISearch, IResumable
{
    /// <summary>States remembered whole unless told otherwise: some 800 MB.</summary>
    public const int DefaultMaxStates = 16_000_000;

    private const int MaxSlots = 64;
    private const int MinWalks = 8;
    private const int MaxWalks = 2_000;

    private readonly int? _contextBound;
    private readonly ulong _slots;
    private readonly VisitedStates _visited;
    private readonly ExclusiveSteps _exclusive;
    private readonly List<byte> _path = [];
    private readonly List<StateFrame> _stack = [];
    private readonly HashSet<SearchSite> _racesShown = [];
    private readonly HashSet<SearchSite> _sectionsThatDoNot = [];
    private readonly RandomWalk _walk = new(seed: 1);
    private readonly OrderedEvent[] _announced = new OrderedEvent[MaxSlots];
    private DeterministicRuntime? _runtime;
    private RacingPair? _showing;
    private StateFrame? _section;
    private SearchSite _sectionSite;
    private bool _hitBound;
    private bool _isLearning;
    private bool _isRedundant;
    private ulong _sleep;
    private int _followed;
    private int _choice;
    private int _depth;
    private int _preemptions;
    private long _sinceLesson;
    private int _toLearn;

    /// <summary>Makes a search.</summary>
    /// <param name="contextBound">Preemptions allowed, or null for all.</param>
    /// <param name="maxStates">States to remember whole; those beyond are told apart by three bits only.</param>
    public StateSearch(int? contextBound = null, int maxStates = DefaultMaxStates)
        : this(contextBound, ulong.MaxValue, new VisitedStates(maxStates))
    {
    }

    /// <summary>Makes a search over a few threads; the others run only where none of these can.</summary>
    /// <param name="contextBound">Preemptions allowed, or null for all.</param>
    /// <param name="slots">A bit for each slot to search over.</param>
    /// <param name="visited">Where states are remembered.</param>
    /// <param name="exclusive">What an earlier search of the same workload learnt; null for nothing.</param>
    internal StateSearch(int? contextBound, ulong slots, VisitedStates? visited = null, ExclusiveSteps? exclusive = null)
    {
        _exclusive = exclusive ?? new ExclusiveSteps();
        _exclusive.BeginAnew();
        _contextBound = contextBound;
        _slots = slots;
        _visited = visited ?? new VisitedStates(DefaultMaxStates);
    }

    /// <inheritdoc/>
    public string Name => StrategyCatalog.States;

    /// <inheritdoc/>
    public bool IsExhausted { get; private set; }

    /// <inheritdoc/>
    public int? CompletedBound => IsExhausted && _hitBound ? _contextBound : null;

    /// <inheritdoc/>
    public bool IsApproximate => _visited.IsApproximate;

    /// <summary>Number of states with a choice that were visited.</summary>
    public long? StateCount => _visited.Count;

    /// <inheritdoc/>
    public double? Progress => IsExhausted ? 1 : SearchTree.Progress(_stack.Select(frame => (BitOperations.PopCount(frame.Allowed), BitOperations.PopCount(frame.Done))));

    /// <summary>How often the search began anew because what it took for nobody else's business was not.</summary>
    public int Lessons { get; private set; }

    private bool IsBounded => _contextBound is not null;

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _runtime = null;
        _choice = 0;
        _depth = 0;
        _preemptions = 0;
        _followed = 0;
        _sleep = 0;
        _isLearning = _toLearn > 0;
        _walk.BeginSchedule(number);
        _isRedundant = false;
        _section = null;
        _exclusive.BeginSchedule();
        return !IsExhausted;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        _runtime = choice.Runtime;
        var number = _choice++;
        if (number < _path.Count)
        {
            return Count(choice, Again(choice, number));
        }

        Follow(choice.Runtime);
        if (_isLearning)
        {
            return Walk(choice);
        }

        if ((choice.Enabled & _slots) == 0)
        {
            return Append(choice, choice.Default);
        }

        if (_showing is { } pair)
        {
            // The second may have run already, because nobody else could, and even have ended.
            return number == _stack[^1].Choice + 1 && choice.Current == pair.First && (choice.Enabled >> pair.Second & 1) != 0 ? pair.Second : ChoiceOutcome.Abandon;
        }

        if (_section is not null && GoesOnWithSection(choice))
        {
            return Append(choice, _section.Chosen);
        }

        return _isRedundant ? ChoiceOutcome.Abandon
            : FindExclusive(choice) is >= 0 and var free
                ? ((_sleep >> free & 1) != 0 ? ChoiceOutcome.Abandon : Append(choice, free))
            : Visit(choice, number);
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        if (_runtime is not null)
        {
            Follow(_runtime);
            NoteWaiting(_runtime);
            if (end is ScheduleEnd.Completed or ScheduleEnd.Stuck)
            {
                _exclusive.NoteEnd();
                _isLearning |= _exclusive.WasWrong;
            }
        }

        EndSection();
        _sinceLesson++;
        if (_exclusive.WasWrong)
        {
            BeginAnew();
        }

        if (_isLearning)
        {
            _toLearn--;
            return;
        }

        if (_choice < _path.Count)
        {
            throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to the end ({end}) after {_choice} where they led to more before.");
        }

        while (_stack.Count > 0)
        {
            if (TakeNext(_stack[^1]))
            {
                return;
            }

            _stack.RemoveAt(_stack.Count - 1);
        }

        IsExhausted = true;
    }

    /// <inheritdoc/>
    void IResumable.Save(BinaryWriter writer)
    {
        SearchTree.WriteKind(writer, Kind);
        writer.Write(IsExhausted);
        writer.Write(_hitBound);
        writer.Write(Lessons);
        writer.Write(_sinceLesson);
        writer.Write(_toLearn);
        _visited.Save(writer);
        _exclusive.Save(writer);
        writer.Write(_path.Count);
        writer.Write([.. _path]);
        writer.Write(_stack.Count);
        foreach (var frame in _stack)
        {
            frame.Save(writer);
        }

        Save(writer, _racesShown);
        Save(writer, _sectionsThatDoNot);

        writer.Write(_showing is not null);
        _showing?.Save(writer);
    }

    /// <inheritdoc/>
    void IResumable.Load(BinaryReader reader)
    {
        SearchTree.ReadKind(reader, Kind);
        IsExhausted = reader.ReadBoolean();
        _hitBound = reader.ReadBoolean();
        Lessons = reader.ReadInt32();
        _sinceLesson = reader.ReadInt64();
        _toLearn = reader.ReadInt32();
        _visited.Load(reader);
        _exclusive.Load(reader);
        _path.AddRange(reader.ReadBytes(SearchTree.ReadCount(reader)));
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            _stack.Add(StateFrame.Load(reader));
        }

        Load(reader, _racesShown);
        Load(reader, _sectionsThatDoNot);

        _showing = reader.ReadBoolean() ? RacingPair.Load(reader) : null;
    }

    private string Kind => $"{Name} {_contextBound} {_slots:x}";

    private static void Save(BinaryWriter writer, HashSet<SearchSite> sites)
    {
        writer.Write(sites.Count);
        foreach (var site in sites)
        {
            site.Save(writer);
        }
    }

    private static void Load(BinaryReader reader, HashSet<SearchSite> sites)
    {
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            sites.Add(SearchSite.Load(reader));
        }
    }

    /// <summary>Makes a choice as an earlier schedule made it; the last one of them is new.</summary>
    private int Again(in Choice choice, int number)
    {
        if (_depth < _stack.Count && _stack[_depth].Choice == number)
        {
            var frame = _stack[_depth++];
            if (frame.Enabled != choice.Enabled)
            {
                throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to threads {choice.Enabled:x} where they led to {frame.Enabled:x} before.");
            }

            if (_depth == _stack.Count)
            {
                PutToSleep(choice.Runtime, frame);
            }
        }

        var slot = _path[number];
        return (choice.Enabled >> slot & 1) != 0 ? slot
            : throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to threads {choice.Enabled:x} where thread {slot} could run before.");
    }

    private int Append(in Choice choice, int slot)
    {
        _path.Add((byte)slot);
        return Count(choice, slot);
    }

    private int Count(in Choice choice, int slot)
    {
        _preemptions += choice.CanStay && slot != choice.Current ? 1 : 0;
        return slot;
    }

    /// <summary>Picks at random within the bound.</summary>
    private int Walk(in Choice choice)
    {
        var candidates = choice.Enabled & _slots;
        return candidates == 0 || (choice.CanStay && _preemptions >= _contextBound) ? choice.Default
            : Count(choice, _walk.Choose(choice with { Enabled = candidates }));
    }

    /// <summary>
    /// A thread whose step nobody can interfere with. Within a context bound only the present one counts: whoever
    /// preempts it before such a step can do so after it. Not so a release: who waits for it gives way for nothing.
    /// </summary>
    private int FindExclusive(in Choice choice)
    {
        var candidates = choice.Enabled & _slots;
        if (choice.CanStay && (candidates >> choice.Current & 1) != 0)
        {
            var current = choice.Runtime.Thread(choice.Current);
            if (!(IsBounded && OrderedEvent.IsRelease(current.Request.Kind)) && _exclusive.IsExclusive(choice.Runtime, current))
            {
                return choice.Current;
            }

            candidates &= ~(1UL << choice.Current);
        }

        for (; candidates != 0 && !IsBounded; candidates &= candidates - 1)
        {
            var slot = BitOperations.TrailingZeroCount(candidates);
            if (_exclusive.IsExclusive(choice.Runtime, choice.Runtime.Thread(slot)))
            {
                return slot;
            }
        }

        return -1;
    }

    /// <summary>Comes to a state with a choice.</summary>
    private int Visit(in Choice choice, int number)
    {
        NoteWaiting(choice.Runtime);
        if (_isLearning)
        {
            return Walk(choice);
        }

        var candidates = choice.Enabled & _slots;
        var sleep = _sleep;
        var allowed = IsBounded ? VisitBounded(choice, candidates) : (candidates & ~sleep) == 0 ? 0 : _visited.Visit(choice.Runtime.StateKey(), candidates, ref sleep);
        if (allowed == 0)
        {
            return ChoiceOutcome.Abandon;
        }

        var section = IsBounded ? -1 : FindSection(choice, allowed & ~sleep);
        var chosen = section >= 0 ? section : (allowed >> choice.Default & 1) != 0 ? choice.Default : BitOperations.TrailingZeroCount(allowed);
        var frame = new StateFrame(number, choice.Runtime.Trace.Count, choice.Enabled, sleep, allowed, chosen);
        if (section >= 0)
        {
            _section = frame;
            _sectionSite = SearchSite.OfSection(choice.Runtime.Thread(section));
        }

        _stack.Add(frame);
        _depth++;
        PutToSleep(choice.Runtime, frame);
        if (choice.Runtime.Lockdep is not null)
        {
            FindRaces(frame, choice);
        }

        return Append(choice, chosen);
    }

    /// <summary>A thread about to enter a critical section that, for all that is known, commutes with the others of its lock.</summary>
    private int FindSection(in Choice choice, ulong candidates)
    {
        for (; candidates != 0; candidates &= candidates - 1)
        {
            var slot = BitOperations.TrailingZeroCount(candidates);
            var thread = choice.Runtime.Thread(slot);
            if (thread.Request.Kind == StepKind.Lock && thread.Request.Base.IsObject && !_sectionsThatDoNot.Contains(SearchSite.OfSection(thread)) && _exclusive.BeginSection(thread))
            {
                return slot;
            }
        }

        return -1;
    }

    /// <summary>Runs the section on while nobody can interfere with it.</summary>
    private bool GoesOnWithSection(in Choice choice)
    {
        var slot = _section!.Chosen;
        if (_exclusive.Section == ExclusiveSteps.SectionState.Open && (choice.Enabled >> slot & 1) != 0 && _exclusive.GoesOn(choice.Runtime, choice.Runtime.Thread(slot)))
        {
            return true;
        }

        EndSection();
        return false;
    }

    /// <summary>A section that commutes with the others of its lock is the only branch; one that does not is one of several.</summary>
    private void EndSection()
    {
        if (_section is null)
        {
            return;
        }

        if (_exclusive.Section == ExclusiveSteps.SectionState.Commutes)
        {
            _section.Allowed = 1UL << _section.Chosen;
        }
        else
        {
            _sectionsThatDoNot.Add(_sectionSite);
        }

        _section = null;
    }

    private ulong VisitBounded(in Choice choice, ulong candidates)
    {
        // Who runs now decides which further switches are free.
        var key = choice.Runtime.StateKey().Plus(StateHash.Of(0xc0, (ulong)(choice.Current + 1)));
        if (!_visited.VisitCheaper(key, _preemptions))
        {
            return 0;
        }

        if (!choice.CanStay || _preemptions < _contextBound)
        {
            return candidates;
        }

        _hitBound = true;
        return 1UL << choice.Current;
    }

    private bool TakeNext(StateFrame frame)
    {
        _path.RemoveRange(frame.Choice, _path.Count - frame.Choice);
        if (frame.Races is { } races && races.TryDequeue(out var pair))
        {
            _showing = pair;
            _path.Add((byte)pair.First);
            return true;
        }

        _showing = null;
        frame.Done |= 1UL << frame.Chosen;
        var left = frame.Allowed & ~frame.Done;
        if (left == 0)
        {
            return false;
        }

        frame.Chosen = BitOperations.TrailingZeroCount(left);
        _path.Add((byte)frame.Chosen);
        return true;
    }

    private void BeginAnew()
    {
        // A few walks at random teach more than the search's first branches, and cost little beside what is thrown away.
        Lessons++;
        _toLearn = (int)Math.Clamp(_sinceLesson / 8, MinWalks, MaxWalks);
        _sinceLesson = 0;
        _exclusive.BeginAnew();
        _stack.Clear();
        _path.Clear();
        _visited.Clear();
        _racesShown.Clear();
        _showing = null;
        _hitBound = false;
    }

    /// <summary>Takes notice of the steps since it was asked last.</summary>
    private void Follow(DeterministicRuntime runtime)
    {
        // What an earlier schedule began with, too, was noted then.
        _exclusive.Follow(runtime, _stack.Count > 0 ? _stack[^1].Step : 0);
        _isLearning |= _exclusive.WasWrong;
        for (; _followed < runtime.Trace.Count; _followed++)
        {
            WakeDependent(OrderedEvent.Of(runtime.Trace[_followed]));
        }
    }

    private void NoteWaiting(DeterministicRuntime runtime)
    {
        _exclusive.NoteWaiting(runtime);
        _isLearning |= _exclusive.WasWrong;
    }

    private void PutToSleep(DeterministicRuntime runtime, StateFrame frame)
    {
        if (IsBounded)
        {
            return;
        }

        _followed = frame.Step;
        _sleep = frame.Sleep | frame.Done;
        for (var slots = _sleep; slots != 0; slots &= slots - 1)
        {
            var slot = BitOperations.TrailingZeroCount(slots);
            _announced[slot] = OrderedEvent.Of(runtime.Thread(slot));
        }
    }

    private void WakeDependent(in OrderedEvent taken)
    {
        _isRedundant |= (_sleep >> taken.Slot & 1) != 0; // Nobody else could run, and that was run before.
        for (var asleep = _sleep; asleep != 0; asleep &= asleep - 1)
        {
            var slot = BitOperations.TrailingZeroCount(asleep);
            if (OrderedEvent.AreDependent(_announced[slot], taken))
            {
                _sleep &= ~(1UL << slot);
            }
        }
    }

    /// <summary>Notes the pairs of a state that race and whose site has not been shown.</summary>
    private void FindRaces(StateFrame frame, in Choice choice)
    {
        for (var firsts = choice.Enabled & _slots; firsts != 0; firsts &= firsts - 1)
        {
            var first = BitOperations.TrailingZeroCount(firsts);
            var a = choice.Runtime.Thread(first);
            if (a.Request.Kind > StepKind.Free)
            {
                continue;
            }

            // Within a context bound the pair may cost two preemptions: to the first, and from it to the second.
            var switches = choice.CanStay && first != choice.Current ? 2 : 1;
            for (var seconds = choice.Enabled & _slots & ~(1UL << first); seconds != 0; seconds &= seconds - 1)
            {
                var second = BitOperations.TrailingZeroCount(seconds);
                var b = choice.Runtime.Thread(second);
                if (Conflict.IsRace(choice.Runtime, a, b) && !(_preemptions + switches > _contextBound) && _racesShown.Add(SearchSite.Of(a, b)))
                {
                    (frame.Races ??= []).Enqueue(new RacingPair(first, second));
                }
            }
        }
    }
}
