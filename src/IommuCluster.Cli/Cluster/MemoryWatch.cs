namespace IommuCluster.Cli.Cluster;

/// <summary>What a run costs in memory of this process.</summary>
/// <param name="AllocatedASoc">Bytes that a SoC's boot allocates and gives back.</param>
/// <param name="LiveASoc">Bytes by which the heap had grown when it was largest, for each SoC under way at the same time.</param>
/// <param name="KeptASoc">Bytes that stay in use for each SoC that was booted and let go; about 0 where nothing leaks.</param>
/// <param name="PeakHeap">The largest heap seen, in bytes.</param>
internal sealed record MemoryCost(double AllocatedASoc, double LiveASoc, double KeptASoc, long PeakHeap);

/// <summary>Watches the heap while SoCs boot.</summary>
internal sealed class MemoryWatch
{
    private readonly long _before = GC.GetTotalMemory(forceFullCollection: true);
    private readonly long _allocated = GC.GetTotalAllocatedBytes();
    private long _peak;

    /// <summary>Notes how large the heap was after its last collection.</summary>
    internal void Look() => _peak = Math.Max(_peak, GC.GetGCMemoryInfo().HeapSizeBytes);

    /// <summary>Sums up.</summary>
    /// <param name="socs">SoCs that were booted.</param>
    /// <param name="atOnce">SoCs that were under way at the same time.</param>
    /// <returns>The cost.</returns>
    internal MemoryCost SumUp(long socs, long atOnce)
    {
        var allocated = GC.GetTotalAllocatedBytes() - _allocated;
        var kept = GC.GetTotalMemory(forceFullCollection: true) - _before;
        return new MemoryCost((double)allocated / socs, (double)Math.Max(0, _peak - _before) / atOnce, (double)kept / socs, _peak);
    }
}
