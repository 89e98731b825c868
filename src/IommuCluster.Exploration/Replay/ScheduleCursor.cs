using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Replay;

/// <summary>Reads a schedule choice by choice.</summary>
/// <param name="schedule">The schedule.</param>
internal sealed class ScheduleCursor(Schedule schedule)
{
    private int _choice;
    private int _next;

    /// <summary>True when the schedule got as far as its last deviation; else it was made for another program.</summary>
    public bool HasMadeAll => _next == schedule.Deviations.Length;

    /// <summary>What the schedule says of the next choice.</summary>
    /// <param name="enabled">A bit for each slot that can run.</param>
    /// <param name="otherwise">The slot that runs where the schedule says nothing.</param>
    /// <returns>A slot, or <see cref="ChoiceOutcome.Diverged"/> when the one it names cannot run.</returns>
    public int Choose(ulong enabled, int otherwise)
    {
        var number = _choice++;
        if (_next == schedule.Deviations.Length || schedule.Deviations[_next].Choice != number)
        {
            return otherwise;
        }

        var slot = schedule.Deviations[_next++].Slot;
        return (enabled >> slot & 1) != 0 ? slot : ChoiceOutcome.Diverged;
    }
}
