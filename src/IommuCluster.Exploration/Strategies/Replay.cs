using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>Makes the choices of a recorded schedule; past its end, and where it says nothing, the default ones.</summary>
/// <param name="schedule">The schedule.</param>
public sealed class ReplayStrategy(Schedule schedule) : IStrategy
{
    private ScheduleCursor _cursor = new(schedule);

    /// <inheritdoc/>
    public string Name => "replay";

    /// <summary>True when the schedule got as far as its last deviation; else it was made for another program.</summary>
    public bool HasMadeAll => _cursor.HasMadeAll;

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _cursor = new ScheduleCursor(schedule);
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice) => _cursor.Choose(choice.Enabled, choice.Default);

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }
}
