using System.Diagnostics;
using System.Globalization;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>
/// Grain steps a second, and in the same run how often a second grains that do nothing ping each other: as many at the same
/// time as threads of boots, beside each other on a silo like a SoC's grains. Rounds in turn, so that noise meets both alike.
/// </summary>
internal static class StepsBenchmark
{
    private const int Rounds = 7;
    private const int Parallel = 64;
    private const int Calls = 3_000;

    public static async Task<int> RunAsync()
    {
        Console.WriteLine($"S21 (linux-6.8), {Parallel} boots at a time, one step a message, all checkers; medians of {Rounds} rounds");
        Console.WriteLine($"{"silos",-8}{"pings/s",12}{"steps/s",12}{"ratio",8}{"unchecked",12}{"ratio",8}{"scattered",12}{"boots/s",10}");
        foreach (var silos in new short[] { 1, 3 })
        {
            await using var cluster = await Cluster.StartAsync(silos);
            await MeasureAsync(cluster, silos);
        }

        return 0;
    }

    private static async Task MeasureAsync(Cluster cluster, int silos)
    {
        var workload = Cluster.Boot(Cluster.Case("s21-fwspec-race", "fix"));
        var (pings, steps, bare, scattered, boots) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = -2; round < Rounds; round++)
        {
            var ping = await PingAsync(cluster);
            var step = await BootAsync(cluster, workload, new BootOptions());
            var plain = await BootAsync(cluster, workload, new BootOptions { Runtime = new() { Checkers = false } });
            var far = await BootAsync(cluster, workload, new BootOptions { Scatter = true });
            if (round >= 0) // The first ones are for tiered compilation.
            {
                pings.Add(ping);
                steps.Add(step.Steps);
                boots.Add(step.Boots);
                bare.Add(plain.Steps);
                scattered.Add(far.Steps);
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{silos,-8}{Median(pings),12:N0}{Median(steps),12:N0}{Median(steps) / Median(pings),8:F2}{Median(bare),12:N0}{Median(bare) / Median(pings),8:F2}{Median(scattered),12:N0}{Median(boots),10:N0}"));
    }

    private static async Task<double> PingAsync(Cluster cluster)
    {
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(number => cluster.Grains.GetGrain<IPingerGrain>(number).RunAsync(Calls)));
        return Parallel * Calls / watch.Elapsed.TotalSeconds;
    }

    private static async Task<(double Steps, double Boots)> BootAsync(Cluster cluster, Workload workload, BootOptions options)
    {
        var watch = Stopwatch.StartNew();
        var boots = await Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ => cluster.Runner.BootAsync(workload, cluster.NextName(), options)));
        return (boots.Sum(boot => boot.Steps) / watch.Elapsed.TotalSeconds, Parallel / watch.Elapsed.TotalSeconds);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
