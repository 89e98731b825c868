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
        Console.WriteLine($"{"",-22}{"formula",14}");
        Count("S", Yardstick.S(@fixed: true), OrdersOf(2, 1), classes: 3);
        for (var devices = 1; devices <= 4; devices++)
        {
            var half = devices / 2;
            Count($"M of {devices}", Yardstick.FixedM(devices), OrdersOf(2 * half, 2 * half, devices, devices), ClassesOf(2 * half, devices - (2 * half)));
        }

        Sections();
    }

    /// <summary>Orders of conflicting sections: of a device that an A binds 4! / 2!, but in two pairs of them the last two only read; of another one the two B's.</summary>
    private static BigInteger ClassesOf(int bound, int others) => BigInteger.Pow(10, bound) * BigInteger.Pow(2, others);

    /// <summary>Classes of the lazy happens-before relation where all sections that touch a common word are in order, counted in walks at random.</summary>
    private static void Sections()
    {
        const int Walks = 1_000_000;
        var program = Yardstick.M(@fixed: true);
        var runtime = new DeterministicRuntime(program, new RuntimeOptions { Checkers = false });
        var walk = new RandomWalk(1);
        var (orders, classes) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        for (var number = 0; number < Walks; number++)
        {
            walk.BeginSchedule(number);
            runtime.Run(walk, number);
            var sections = SectionsOf(runtime.Trace);
            orders.Add(string.Concat(sections.Select(section => section.Thread)));
            classes.Add(string.Join(' ', sections.GroupBy(section => section.Device).OrderBy(device => device.Key).Select(device => string.Concat(device.Select(section => section.Thread)))));
        }

        Console.WriteLine($"M of 4, sections of one device in order: {classes.Count:N0} classes of {BigInteger.Pow(OrdersOf(2, 1, 1), 4):N0} met in {Walks:N0} walks at random, {orders.Count:N0} orders of the lock");
    }

    /// <summary>Who takes the lock when, and for which device.</summary>
    private static List<(int Thread, ulong Device)> SectionsOf(Exploration.Runtime.Trace trace)
    {
        var sections = new List<(int Thread, ulong Device)>();
        for (var i = 0; i < trace.Count; i++)
        {
            if (trace[i].Kind == StepKind.Lock)
            {
                sections.Add((trace[i].Thread, trace[i + 1].Base.Object.Value)); // It reads a word of its device first.
            }
        }

        return sections;
    }

    /// <summary>In how many orders threads can take one lock so many times each: a multinomial coefficient.</summary>
    private static BigInteger OrdersOf(params int[] times) =>
        times.Aggregate(Factorial(times.Sum()), (orders, each) => orders / Factorial(each));

    private static BigInteger Factorial(int n) => Enumerable.Range(1, n).Aggregate(BigInteger.One, (product, i) => product * i);

    private void Count(string name, Workload program, BigInteger orders, BigInteger classes)
    {
        Count(name, program, orders, new SourceDpor());
        Count(name, program, classes, new SourceDpor(isLazy: true));
    }

    private void Count(string name, Workload program, BigInteger orders, SourceDpor search)
    {
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
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-12}{search.Name,-10}{orders,14:N0}{search.Executions,14:N0} executions{blocked} in {watch.Elapsed.TotalSeconds:F2} s ({rate:N0}/s), {outcome}"));
    }
}
