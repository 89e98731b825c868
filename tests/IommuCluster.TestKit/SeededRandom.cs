using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>Numbers for generated tests: same seed, same numbers.</summary>
public sealed class SeededRandom(ulong seed)
{
    private ulong _state = StateHash.Mix(seed);

    /// <summary>A number below a bound of at least 1.</summary>
    public int Below(int bound) => (int)(((StateHash.Mix(_state = unchecked(_state + 0x9e3779b97f4a7c15)) >> 32) * (ulong)bound) >> 32);

    /// <summary>True once in so many calls.</summary>
    public bool OneIn(int calls) => Below(calls) == 0;
}
