using System.Diagnostics;
using System.Globalization;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>
/// Grain steps a second, and in the same run how often a second grains that do nothing ping each other: as many at the same
/// time as threads of boots, beside each other on a silo like a SoC's grains. Rounds in turn, so that noise meets both alike.
/// A small boot is mostly the coming and going of its grains, a whole board mostly steps, and a long thread nothing else.
/// </summary>
internal static class StepsBenchmark
{
    private const int Rounds = 5;
    private const int Warmups = 2; // For tiered compilation.
    private const int Parallel = 64;
    private const int Calls = 3_000;

    /// <summary>Measures.</summary>
    /// <param name="only">Words of the rows wanted besides the pings; none for all.</param>
    public static async Task<int> RunAsync(string[] only)
    {
        Console.WriteLine($"{Parallel} boots at a time, one step a message; medians of {Rounds} rounds; ratios are to the pings");
        Console.WriteLine($"{"silos",-7}{"what",-24}{"a second",12}{"ratio",8}{"CPU µs each",14}{"ratio",8}{"boots/s",10}{"steps a boot",14}");
        foreach (var silos in new short[] { 1, 3 })
        {
            await using var cluster = await Cluster.StartAsync(silos);
            await MeasureAsync(cluster, silos, only);
        }

        return 0;
    }

    /// <summary>Boots again and again, for a profiler to look at.</summary>
    public static async Task<int> LoopAsync(TimeSpan duration, short silos, string scenario, string name)
    {
        await using var cluster = await Cluster.StartAsync(silos);
        var workload = Cluster.Boot(Cluster.Case(scenario, name));
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < duration)
        {
            var cost = await Cost.OfAsync(() => BootAsync(cluster, workload, new BootOptions()));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cost.PerSecond:N0} steps/s, {cost.CpuMicroseconds:F1} µs CPU a step, {GC.GetTotalAllocatedBytes() / 1e6:N0} MB, {GC.CollectionCount(0)} collections"));
        }

        return 0;
    }

    private static async Task MeasureAsync(Cluster cluster, int silos, string[] only)
    {
        var s21 = Cluster.Boot(Cluster.Case("s21-fwspec-race", "fix"));
        var board = Cluster.Boot(Cluster.Case("rk3288-firefly", "boot"));
        var endless = Programs.Of(Long);
        (string Name, Func<Task<long>> Work)[] boots =
        [
            ("S21", () => BootAsync(cluster, s21, new BootOptions())),
            ("S21 without checkers", () => BootAsync(cluster, s21, new BootOptions { Runtime = new() { Checkers = false } })),
            ("S21 scattered", () => BootAsync(cluster, s21, new BootOptions { Scatter = true })),
            ("rk3288-firefly", () => BootAsync(cluster, board, new BootOptions())),
            ("long threads", () => BootAsync(cluster, endless, new BootOptions())),
        ];
        (string Name, Func<Task<long>> Work)[] rows =
            [("pings", () => Pings.RunAsync(cluster.Grains)), .. boots.Where(row => only.Length == 0 || only.Contains(row.Name, StringComparer.OrdinalIgnoreCase))];
        var costs = rows.ToDictionary(row => row.Name, _ => new List<Cost>());
        for (var round = -Warmups; round < Rounds; round++)
        {
            foreach (var (name, work) in rows)
            {
                var cost = await Cost.OfAsync(work);
                if (round >= 0)
                {
                    costs[name].Add(cost);
                }
            }
        }

        foreach (var (name, _) in rows)
        {
            Show(silos, name, costs[name], costs["pings"]);
        }
    }

    private static void Show(int silos, string name, List<Cost> costs, List<Cost> pings)
    {
        var (rate, cpu) = (Cost.Median(costs, cost => cost.PerSecond), Cost.Median(costs, cost => cost.CpuMicroseconds));
        var (ratio, cpuRatio) = (rate / Cost.Median(pings, cost => cost.PerSecond), Cost.Median(pings, cost => cost.CpuMicroseconds) / cpu);
        var boots = name == "pings" ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"{Cost.Median(costs, cost => Parallel / cost.Wall.TotalSeconds),10:N0}{costs[0].Units / Parallel,14:N0}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{silos,-7}{name,-24}{rate,12:N0}{ratio,8:F2}{cpu,14:F2}{cpuRatio,8:F2}{boots}"));
    }

    /// <summary>Steps alone: what is left of a boot's costs when it has few grains and no end in sight.</summary>
    private static async Flow Long(KernelThread t)
    {
        var box = Box.At(0);
        for (var step = 0; step < Calls / 4; step++)
        {
            await t.Lock(box.A);
            await t.Store(box.X, await t.Load(box.X) + 1);
            await t.Unlock(box.A);
        }
    }

    private static async Task<long> BootAsync(Cluster cluster, Workload workload, BootOptions options)
    {
        var boots = await Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ => cluster.Runner.BootAsync(workload, cluster.NextName(), options)));
        return boots.Sum(boot => boot.Steps);
    }
}
