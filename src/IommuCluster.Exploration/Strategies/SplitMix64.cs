using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>A small seeded generator (Steele, Lea, Flood, OOPSLA 2014): the only randomness of the program.</summary>
/// <param name="seed">Same seed, same numbers.</param>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The generator of one schedule: those of neighbours have nothing in common.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="number">Number of the schedule.</param>
    /// <returns>A generator.</returns>
    public static SplitMix64 OfSchedule(ulong seed, long number) =>
        new(StateHash.Mix(seed) ^ StateHash.Mix(unchecked((ulong)number * 0xd1342543de82ef95)));

    /// <summary>The next 64 bits.</summary>
    /// <returns>A uniform word.</returns>
    public ulong Next() => StateHash.Mix(_state = unchecked(_state + 0x9e3779b97f4a7c15));

    /// <summary>A number below a bound.</summary>
    /// <param name="bound">At least 1.</param>
    /// <returns>0 to bound - 1; the bias is below bound / 2^32.</returns>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);
}
