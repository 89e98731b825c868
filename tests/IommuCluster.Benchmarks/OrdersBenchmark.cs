using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;
using Trace = IommuCluster.Exploration.Runtime.Trace;

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

    /// <summary>Classes of the lazy happens-before relation where all sections that touch a common word are in order: what caching them tells apart.</summary>
    private static void Sections()
    {
        var search = new SectionOrders();
        var runtime = new DeterministicRuntime(Yardstick.M(@fixed: true), new RuntimeOptions { Checkers = false });
        var watch = Stopwatch.StartNew();
        var schedules = 0L;
        for (; search.BeginSchedule(schedules); schedules++)
        {
            search.EndSchedule(runtime.Run(search, schedules));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"M of 4, sections of one device in order: {search.Classes:N0} classes ({BigInteger.Pow(OrdersOf(2, 1, 1), 4):N0} by the formula) of {search.Prefixes:N0} beginnings, {schedules:N0} schedules in {watch.Elapsed.TotalSeconds:F1} s"));
    }

    /// <summary>All schedules, depth first, but for those whose beginning is one that was met, but for the order of sections of different devices (Thomson, Donaldson, PPoPP 2015).</summary>
    private sealed class SectionOrders : IStrategy
    {
        private readonly HashSet<string> _met = new(StringComparer.Ordinal);
        private readonly HashSet<string> _ends = new(StringComparer.Ordinal);
        private readonly List<(ulong Left, int Slot)> _path = [];
        private DeterministicRuntime? _runtime;
        private int _depth;
        private bool _isDone;

        public string Name => "section orders";

        public int Prefixes => _met.Count;

        public int Classes => _ends.Count;

        public bool BeginSchedule(long number)
        {
            _depth = 0;
            return !_isDone;
        }

        public int Choose(in Choice choice)
        {
            _runtime = choice.Runtime;
            if (_depth == _path.Count)
            {
                if (!_met.Add(ClassOf(choice.Runtime.Trace)))
                {
                    return ChoiceOutcome.Abandon;
                }

                _path.Add((choice.Enabled & (choice.Enabled - 1), BitOperations.TrailingZeroCount(choice.Enabled)));
            }

            return _path[_depth++].Slot;
        }

        public void EndSchedule(ScheduleEnd end)
        {
            if (end == ScheduleEnd.Completed)
            {
                _ends.Add(ClassOf(_runtime!.Trace));
            }

            _path.RemoveRange(_path.FindLastIndex(choice => choice.Left != 0) + 1, _path.Count - _path.FindLastIndex(choice => choice.Left != 0) - 1);
            _isDone = _path.Count == 0;
            if (!_isDone)
            {
                var left = _path[^1].Left;
                _path[^1] = (left & (left - 1), BitOperations.TrailingZeroCount(left));
            }
        }

        /// <summary>Who takes the lock, in order, for each device; a section begins with a read of its device.</summary>
        private static string ClassOf(Exploration.Runtime.Trace trace)
        {
            var devices = new SortedDictionary<ulong, string>();
            for (var i = 0; i + 1 < trace.Count; i++)
            {
                if (trace[i].Kind == StepKind.Lock)
                {
                    var device = trace[i + 1].Base.Object.Value;
                    devices[device] = devices.GetValueOrDefault(device, string.Empty) + trace[i].Thread;
                }
            }

            return string.Join(' ', devices.Select(device => $"{device.Key:x}:{device.Value}"));
        }
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
