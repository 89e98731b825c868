using System.Numerics;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Searches states depth first, takes steps that are independent of all others at once, and gives a schedule up where it
/// meets a state again. What it has exhausted is a proof within the workload's bounds. A thread in the middle of a method
/// cannot be copied, so each branch is reached by running the choices before it again. Optionally only schedules with at
/// most so many preemptions are searched. A visited state drops the history of those who come there later, and with it
/// data races; so a race is also two conflicting steps, not both marked, that are enabled in the same state. The first
/// pair of its site is run one step after the other, in a schedule of its own: the happens-before check then reports
/// it with all that reports need, and a replay shows it, too.
/// </summary>
public sealed class StateSearch : IStrategy
{
    private readonly int? _contextBound;
    private readonly ulong _slots;
    private readonly Dictionary<StateHash, int> _visited = [];
    private readonly List<Frame> _stack = [];
    private readonly HashSet<Site> _racesShown = [];
    private Pair? _showing;
    private int _taken;
    private int _depth;
    private int _lessons;
    private DeterministicRuntime? _runtime;
    private int _preemptions;

    /// <summary>Makes a search.</summary>
    /// <param name="contextBound">Preemptions allowed, or null for all.</param>
    public StateSearch(int? contextBound = null)
        : this(contextBound, ulong.MaxValue)
    {
    }

    /// <summary>Makes a search over a few threads; the others run only where none of these can.</summary>
    /// <param name="contextBound">Preemptions allowed, or null for all.</param>
    /// <param name="slots">A bit for each slot to search over.</param>
    internal StateSearch(int? contextBound, ulong slots)
    {
        _contextBound = contextBound;
        _slots = slots;
    }

    /// <inheritdoc/>
    public string Name => "states";

    /// <summary>True when every state within the bound was visited.</summary>
    public bool IsExhausted { get; private set; }

    /// <summary>Number of states with a choice that were visited.</summary>
    public int StateCount => _visited.Count;

    /// <summary>True when the bound cut off a choice, so that "exhausted" holds up to the bound only.</summary>
    public bool HitBound { get; private set; }

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _depth = 0;
        _preemptions = 0;
        _taken = 0;
        return !IsExhausted;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        if ((choice.Enabled & _slots) == 0)
        {
            return choice.Default;
        }

        // Within a context bound each switch counts, so that nothing is free to be taken early.
        if (_contextBound is null)
        {
            _runtime = choice.Runtime;
            if (_runtime.Lessons != _lessons)
            {
                return ChoiceOutcome.Abandon;
            }

            if (_taken == 0 && Independence.Find(choice) is >= 0 and var free)
            {
                return free;
            }
        }

        if (_depth < _stack.Count)
        {
            var known = _stack[_depth++];
            return Take(known, choice, _showing is { } pair && _depth == _stack.Count ? Next(pair) : known.Chosen);
        }

        if (_showing is { } shown)
        {
            // The second may have run already, because nobody else could, and even have ended.
            return _taken == 1 && choice.Current == shown.First && (choice.Enabled >> shown.Second & 1) != 0 ? Next(shown) : ChoiceOutcome.Abandon;
        }

        var key = choice.Runtime.StateKey();
        if (_contextBound is not null)
        {
            // Who runs now decides which further switches are free.
            key = key.Plus(StateHash.Of(0xc0, (ulong)(choice.Current + 1)));
        }

        if (_visited.TryGetValue(key, out var spent) && spent <= _preemptions)
        {
            return ChoiceOutcome.Abandon;
        }

        _visited[key] = _preemptions;
        var allowed = Allowed(choice);
        var frame = new Frame(choice.Enabled, allowed, (allowed >> choice.Default & 1) != 0 ? choice.Default : BitOperations.TrailingZeroCount(allowed));
        _stack.Add(frame);
        _depth++;
        if (choice.Runtime.Lockdep is not null)
        {
            FindRaces(frame, choice);
        }

        return Take(frame, choice, frame.Chosen);
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        if (_runtime is not null && _runtime.Lessons != _lessons)
        {
            // A lock was released early although somebody can tell when it is. Begin anew, with what was learnt.
            _lessons = _runtime.Lessons;
            _stack.Clear();
            _visited.Clear();
            _racesShown.Clear();
            _showing = null;
            return;
        }

        if (_depth < _stack.Count)
        {
            throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to the end ({end}) after {_depth} where they led to more before.");
        }

        while (_stack.Count > 0)
        {
            var frame = _stack[^1];
            if (frame.Races is { } races && races.TryDequeue(out var pair))
            {
                _showing = pair;
                return;
            }

            _showing = null;
            frame.Left &= ~(1UL << frame.Chosen);
            if (frame.Left != 0)
            {
                frame.Chosen = BitOperations.TrailingZeroCount(frame.Left);
                return;
            }

            _stack.RemoveAt(_stack.Count - 1);
        }

        IsExhausted = true;
    }

    private ulong Allowed(in Choice choice)
    {
        if (_contextBound is null || !choice.CanStay || _preemptions < _contextBound)
        {
            return choice.Enabled & _slots;
        }

        HitBound = true;
        return 1UL << choice.Current;
    }

    private int Take(Frame frame, in Choice choice, int slot)
    {
        if (frame.Enabled != choice.Enabled)
        {
            throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to threads {choice.Enabled:x} where they led to {frame.Enabled:x} before.");
        }

        if (choice.CanStay && slot != choice.Current)
        {
            _preemptions++;
        }

        return slot;
    }

    private int Next(Pair pair) => _taken++ == 0 ? pair.First : pair.Second;

    /// <summary>Notes the pairs of a state that race and whose site has not been shown.</summary>
    private void FindRaces(Frame frame, in Choice choice)
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
                if (Conflict.IsRace(choice.Runtime, a, b) && !(_preemptions + switches > _contextBound) && _racesShown.Add(Site.Of(a, b)))
                {
                    (frame.Races ??= []).Enqueue(new Pair(first, second));
                }
            }
        }
    }

    private sealed class Frame(ulong enabled, ulong left, int chosen)
    {
        public ulong Enabled { get; } = enabled;

        public ulong Left { get; set; } = left;

        public int Chosen { get; set; } = chosen;

        /// <summary>The races to be shown from here; null for none.</summary>
        public Queue<Pair>? Races { get; set; }
    }

    /// <summary>Two threads whose steps race.</summary>
    private readonly record struct Pair(int First, int Second);

    /// <summary>What tells one race from another, in whichever order it is met.</summary>
    private readonly record struct Site(string First, string Second, FieldDescriptor? Field)
    {
        public static Site Of(KernelThread a, KernelThread b)
        {
            var field = a.Request.Field ?? b.Request.Field;
            return string.CompareOrdinal(a.Function, b.Function) <= 0 ? new Site(a.Function, b.Function, field) : new Site(b.Function, a.Function, field);
        }
    }
}
