using System.Numerics;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.TestKit;

/// <summary>Runs each thread until it waits or ends, then the next: the lowest first, or the highest.</summary>
public sealed class InTurn(bool backwards = false) : IStrategy
{
    /// <inheritdoc/>
    public string Name => "in turn";

    /// <inheritdoc/>
    public bool BeginSchedule(long number) => true;

    /// <inheritdoc/>
    public int Choose(in Choice choice) =>
        choice.Current < 0 || (choice.Enabled >> choice.Current & 1) == 0
            ? backwards ? 63 - BitOperations.LeadingZeroCount(choice.Enabled) : BitOperations.TrailingZeroCount(choice.Enabled)
            : choice.Current;

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }
}
