using System.Numerics;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Searches states depth first, takes steps that are independent of all others at once, and gives a schedule up where it
/// meets a state again. What it has exhausted is a proof within the workload's bounds. A thread in the middle of a method
/// cannot be copied, so each branch is reached by running the choices before it again. Optionally only schedules with at
/// most so many preemptions are searched.
/// </summary>
public sealed class StateSearch : IStrategy
{
    private readonly int? _contextBound;
    private readonly ulong _slots;
    private readonly Dictionary<StateHash, int> _visited = [];
    private readonly List<Frame> _stack = [];
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

            if (Independence.Find(choice) is >= 0 and var free)
            {
                return free;
            }
        }

        if (_depth < _stack.Count)
        {
            return Take(_stack[_depth++], choice);
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
        return Take(frame, choice);
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
            return;
        }

        if (_depth < _stack.Count)
        {
            throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to the end ({end}) after {_depth} where they led to more before.");
        }

        while (_stack.Count > 0)
        {
            var frame = _stack[^1];
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

    private int Take(Frame frame, in Choice choice)
    {
        if (frame.Enabled != choice.Enabled)
        {
            throw new InvalidOperationException($"Uncontrolled nondeterminism: the same choices led to threads {choice.Enabled:x} where they led to {frame.Enabled:x} before.");
        }

        if (choice.CanStay && frame.Chosen != choice.Current)
        {
            _preemptions++;
        }

        return frame.Chosen;
    }

    private sealed class Frame(ulong enabled, ulong left, int chosen)
    {
        public ulong Enabled { get; } = enabled;

        public ulong Left { get; set; } = left;

        public int Chosen { get; set; } = chosen;
    }
}
