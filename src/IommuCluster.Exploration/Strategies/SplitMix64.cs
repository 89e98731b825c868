using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>A small seeded generator (Steele, Lea, Flood, OOPSLA 2014): the only randomness of the program.</summary>
/// <param name="seed">Same seed, same numbers.</param>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The next 64 bits.</summary>
    /// <returns>A uniform word.</returns>
    public ulong Next() => StateHash.Mix(_state = unchecked(_state + 0x9e3779b97f4a7c15));

    /// <summary>A number below a bound.</summary>
    /// <param name="bound">At least 1.</param>
    /// <returns>0 to bound - 1; the bias is below bound / 2^32.</returns>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);
}
