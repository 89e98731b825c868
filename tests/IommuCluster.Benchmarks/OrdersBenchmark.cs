using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>
/// How many schedules the reductions need where a formula tells it. All that differs between the schedules of the fixed
/// yardstick programs is who takes their one lock when.
/// </summary>
/// <param name="seconds">Time for each of those that do not end soon.</param>
internal sealed class OrdersBenchmark(int seconds) : IBenchmark
{
    /// <inheritdoc/>
    public string Verb => "orders";

    /// <inheritdoc/>
    public string Summary => "executions of source-DPOR on fixed yardstick programs next to the formula, so many seconds each at most";

    /// <inheritdoc/>
    public void Run()
    {
        Console.WriteLine($"{"",-12}{"orders of the lock",20}");
        Count("S", Yardstick.S(@fixed: true), OrdersOf(2, 1));
        for (var devices = 1; devices <= 4; devices++)
        {
            var half = devices / 2;
            Count($"M of {devices}", Yardstick.FixedM(devices), OrdersOf(2 * half, 2 * half, devices, devices));
        }
    }

    /// <summary>In how many orders threads can take one lock so many times each: a multinomial coefficient.</summary>
    private static BigInteger OrdersOf(params int[] times) =>
        times.Aggregate(Factorial(times.Sum()), (orders, each) => orders / Factorial(each));

    private static BigInteger Factorial(int n) => Enumerable.Range(1, n).Aggregate(BigInteger.One, (product, i) => product * i);

    private void Count(string name, Workload program, BigInteger orders)
    {
        var search = new SourceDpor();
        var runtime = new DeterministicRuntime(program, new RuntimeOptions { Checkers = false });
        var watch = Stopwatch.StartNew();
        for (var number = 0L; search.BeginSchedule(number) && watch.Elapsed.TotalSeconds < seconds; number++)
        {
            search.EndSchedule(runtime.Run(search, number));
        }

        var rate = search.Executions / watch.Elapsed.TotalSeconds;
        var blocked = search.SleepBlocked == 0 ? string.Empty : $" and {search.SleepBlocked:N0} given up";
        var outcome = search.IsExhausted ? search.Executions == orders ? "all: as the formula says" : "all: NOT as the formula says"
            : $"{(double)search.Executions / (double)orders:P2} of all, which would take {(double)orders / rate:N0} s";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-12}{orders,20:N0}{search.Executions,14:N0} executions{blocked} in {watch.Elapsed.TotalSeconds:F2} s ({rate:N0}/s), {outcome}"));
    }
}
