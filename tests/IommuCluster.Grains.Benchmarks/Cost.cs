using System.Diagnostics;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>What some work cost. On a machine that others use, too, the CPU time tells more than the clock.</summary>
/// <param name="Units">Steps or pings done.</param>
/// <param name="Wall">Time by the clock.</param>
/// <param name="Cpu">CPU time of the process, on all cores.</param>
internal readonly record struct Cost(long Units, TimeSpan Wall, TimeSpan Cpu)
{
    public double PerSecond => Units / Wall.TotalSeconds;

    public double CpuMicroseconds => Cpu.TotalMicroseconds / Units;

    /// <summary>Measures work.</summary>
    /// <param name="work">Does it, and tells how many units it was.</param>
    public static async Task<Cost> OfAsync(Func<Task<long>> work)
    {
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        var units = await work();
        return new Cost(units, watch.Elapsed, Environment.CpuUsage.TotalTime - cpu);
    }

    /// <summary>The median of each figure by itself.</summary>
    public static double Median(IEnumerable<Cost> costs, Func<Cost, double> figure)
    {
        var sorted = costs.Select(figure).Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
