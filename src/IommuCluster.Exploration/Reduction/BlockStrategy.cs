using System.Numerics;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Reduction;

/// <summary>A thread that runs without a switch.</summary>
/// <param name="Id">The thread.</param>
/// <param name="Until">It runs until it has taken so many steps since its start.</param>
internal readonly record struct Block(int Id, int Until);

/// <summary>
/// Runs blocks one after the other as far as they go, then the default. Nothing of it can diverge: a block whose thread
/// cannot run, or has done its steps already, is skipped.
/// </summary>
/// <param name="blocks">The blocks.</param>
internal sealed class BlockStrategy(List<Block> blocks) : IStrategy
{
    private int _next;

    /// <inheritdoc/>
    public string Name => "blocks";

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _next = 0;
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        for (; _next < blocks.Count; _next++)
        {
            for (var enabled = choice.Enabled; enabled != 0; enabled &= enabled - 1)
            {
                var slot = BitOperations.TrailingZeroCount(enabled);
                var thread = choice.Runtime.Thread(slot);
                if (thread.Id == blocks[_next].Id && thread.StepCount < blocks[_next].Until)
                {
                    return slot;
                }
            }
        }

        return choice.Default;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }
}
