using System.Globalization;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Memory;
using Interlocked = System.Threading.Interlocked;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>
/// What a SoC costs as there are more and more of them: 100, 1,000, 10,000 boots of a board, as many at a time, pings before
/// and after each row. Flat is right: nothing of a SoC may stay behind that the next one pays for.
/// </summary>
internal static class ScaleBenchmark
{
    private const int Warmup = 128;

    /// <summary>Measures.</summary>
    /// <param name="most">SoCs of the last row.</param>
    /// <param name="silos">Silos in this process.</param>
    /// <param name="scenario">What boots.</param>
    /// <param name="name">The case.</param>
    /// <param name="atOnce">SoCs that boot at the same time.</param>
    public static async Task<int> RunAsync(int most, short silos, string scenario, string name, int atOnce)
    {
        await using var cluster = await Cluster.StartAsync(silos);
        var workload = Cluster.Boot(Cluster.Case(scenario, name));
        await BootAsync(cluster, workload, Warmup, atOnce);
        Console.WriteLine($"{scenario}/{name} on {silos} silos, {atOnce} SoCs at a time; pings are measured before and after each row, ratios are to their mean");
        Console.WriteLine($"{"SoCs",-8}{"SoCs/s",9}{"steps/s",11}{"pings/s",11}{"ratio",7}{"CPU µs a step",15}{"a ping",8}{"ratio",7}{"CPU ms a SoC",14}{"steps a SoC",13}{"KiB live",10}{"KiB made",10}{"bytes kept",12}");
        for (var socs = Math.Min(100, most); ; socs = Math.Min(socs * 10, most))
        {
            await ShowAsync(cluster, workload, socs, atOnce);
            if (socs == most)
            {
                return 0;
            }
        }
    }

    private static async Task ShowAsync(Cluster cluster, Workload workload, int socs, int atOnce)
    {
        var before = await Pings.MeasureAsync(cluster.Grains, TimeProvider.System);
        var (heap, allocated) = (GC.GetTotalMemory(forceFullCollection: true), GC.GetTotalAllocatedBytes());
        var peak = 0L;
        var cost = await Cost.OfAsync(() => BootAsync(cluster, workload, socs, atOnce, () => peak = Math.Max(peak, GC.GetGCMemoryInfo().HeapSizeBytes)));
        allocated = GC.GetTotalAllocatedBytes() - allocated;
        var kept = GC.GetTotalMemory(forceFullCollection: true) - heap;
        var after = await Pings.MeasureAsync(cluster.Grains, TimeProvider.System);
        var (pings, ping) = ((before.PerSecond + after.PerSecond) / 2, (before.CpuMicroseconds + after.CpuMicroseconds) / 2);
        var live = Math.Max(0, peak - heap) / 1024.0 / Math.Min(atOnce, socs);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{socs,-8:N0}{socs / cost.Wall.TotalSeconds,9:N1}{cost.PerSecond,11:N0}{pings,11:N0}{cost.PerSecond / pings,7:F2}{cost.CpuMicroseconds,15:F2}{ping,8:F2}{ping / cost.CpuMicroseconds,7:F2}{cost.Cpu.TotalMilliseconds / socs,14:F1}{cost.Units / socs,13:N0}{live,10:N0}{allocated / 1024.0 / socs,10:N0}{(double)kept / socs,12:N0}"));
    }

    private static async Task<long> BootAsync(Cluster cluster, Workload workload, int socs, int atOnce, Action? look = null)
    {
        var (steps, next) = (0L, 0);
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) <= socs)
            {
                var boot = await cluster.Runner.BootAsync(workload, cluster.NextName());
                Interlocked.Add(ref steps, boot.Steps);
                look?.Invoke(); // A peak that is missed by a race of two is seen by the next one.
            }
        }));
        return steps;
    }
}
