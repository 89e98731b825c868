using IommuCluster.Exploration.Runtime;

namespace IommuCluster.TestKit;

/// <summary>Takes the given slots where there is a choice and then gives up.</summary>
public sealed class Scripted(params int[] slots) : IStrategy
{
    private int _next;

    /// <inheritdoc/>
    public string Name => "script";

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _next = 0;
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice) => _next < slots.Length ? slots[_next++] : ChoiceOutcome.Abandon;

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }
}
