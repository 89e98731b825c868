using System.Numerics;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Partial order sampling (Yuan, Yang, Gu, CAV 2018): every announced step has a random priority and the highest runs;
/// the steps that conflict with the one taken draw theirs anew. Samples orders of conflicting steps more evenly than a
/// random walk does. A schedule is a function of the seed and its number alone.
/// </summary>
/// <param name="seed">Seed of the run; each schedule has a generator of its own, made from this and its number.</param>
public sealed class PartialOrderSampling(ulong seed) : IStrategy
{
    private readonly ulong[] _priorities = new ulong[64];
    private readonly long[] _drawnFor = new long[64];
    private SplitMix64 _random = new(seed);

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Pos;

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _random = SplitMix64.OfSchedule(seed, number);
        Array.Fill(_drawnFor, -1);
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        var best = -1;
        for (var enabled = choice.Enabled; enabled != 0; enabled &= enabled - 1)
        {
            var slot = BitOperations.TrailingZeroCount(enabled);
            var step = StepOf(choice.Runtime.Thread(slot));
            if (_drawnFor[slot] != step)
            {
                _drawnFor[slot] = step;
                _priorities[slot] = _random.Next();
            }

            if (best < 0 || _priorities[slot] > _priorities[best])
            {
                best = slot;
            }
        }

        ref readonly var taken = ref choice.Runtime.Thread(best).Request;
        for (var others = choice.Enabled & ~(1UL << best); others != 0; others &= others - 1)
        {
            var slot = BitOperations.TrailingZeroCount(others);
            if (Conflict.Between(taken, choice.Runtime.Thread(slot).Request))
            {
                _drawnFor[slot] = -1;
            }
        }

        return best;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }

    private static long StepOf(KernelThread thread) => ((long)thread.Id << 32) | (uint)thread.StepCount;
}
