using System.Numerics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Searches states depth first and gives a schedule up where it meets a state again. What it has exhausted is a proof
/// within the workload's bounds. A thread in the middle of a method cannot be copied, so each branch is reached by
/// running the choices before it again. Optionally only schedules with at most so many preemptions are searched.
/// </summary>
/// <param name="contextBound">Preemptions allowed, or null for all.</param>
public sealed class StateSearch(int? contextBound = null) : IStrategy
{
    private readonly Dictionary<StateHash, int> _visited = [];
    private readonly List<Frame> _stack = [];
    private int _depth;
    private int _preemptions;

    /// <inheritdoc/>
    public string Name => StrategyCatalog.States;

    /// <summary>Preemptions allowed, or null for all.</summary>
    public int? ContextBound { get; } = contextBound;

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
        if (_depth < _stack.Count)
        {
            return Take(_stack[_depth++], choice);
        }

        var key = choice.Runtime.StateKey();
        if (ContextBound is not null)
        {
            // Who runs now decides which further switches are free.
            key = key.Plus(StateHash.Of(0xc0, (ulong)(choice.Current + 1)));
        }

        if (_visited.TryGetValue(key, out var spent) && spent <= _preemptions)
        {
            return ChoiceOutcome.Abandon;
        }

        _visited[key] = _preemptions;
        var frame = new Frame(choice.Enabled, Allowed(choice), choice.Default);
        _stack.Add(frame);
        _depth++;
        return Take(frame, choice);
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
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
        var canStay = choice.Current >= 0 && (choice.Enabled >> choice.Current & 1) != 0;
        if (ContextBound is null || !canStay || _preemptions < ContextBound)
        {
            return choice.Enabled;
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

        if (choice.Current >= 0 && frame.Chosen != choice.Current && (choice.Enabled >> choice.Current & 1) != 0)
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
