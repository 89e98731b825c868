using System.Numerics;
using System.Runtime.Intrinsics.X86;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>Picks uniformly among the threads that can run, at every step.</summary>
/// <param name="seed">Seed of the run; each schedule has a generator of its own, made from this and its number.</param>
public sealed class RandomWalk(ulong seed) : IStrategy
{
    private SplitMix64 _random = new(seed);

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _random = SplitMix64.OfSchedule(seed, number);
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        var n = _random.Below(BitOperations.PopCount(choice.Enabled));
        if (Bmi2.X64.IsSupported)
        {
            return BitOperations.TrailingZeroCount(Bmi2.X64.ParallelBitDeposit(1UL << n, choice.Enabled));
        }

        var enabled = choice.Enabled;
        for (; n > 0; n--)
        {
            enabled &= enabled - 1;
        }

        return BitOperations.TrailingZeroCount(enabled);
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }
}
