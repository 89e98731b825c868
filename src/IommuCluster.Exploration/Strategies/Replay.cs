using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>Makes the choices of a recorded schedule; past its end, and where it says nothing, the default ones.</summary>
/// <param name="schedule">The schedule.</param>
public sealed class ReplayStrategy(Schedule schedule) : IStrategy
{
    private int _choice;
    private int _next;

    /// <inheritdoc/>
    public string Name => "replay";

    /// <summary>True when the schedule got as far as its last deviation; else it was made for another program.</summary>
    public bool HasMadeAll => _next == schedule.Deviations.Length;

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _choice = 0;
        _next = 0;
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        var number = _choice++;
        if (_next == schedule.Deviations.Length || schedule.Deviations[_next].Choice != number)
        {
            return choice.Default;
        }

        var slot = schedule.Deviations[_next++].Slot;
        return (choice.Enabled >> slot & 1) != 0 ? slot : ChoiceOutcome.Diverged;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }
}
