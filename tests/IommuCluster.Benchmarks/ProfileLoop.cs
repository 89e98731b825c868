using System.Diagnostics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>Runs one program for a while, for a profiler to look at, and tells what a step costs in time on the processor: waiting for it does not count.</summary>
/// <param name="verb">Name of the benchmark.</param>
/// <param name="summary">What it runs, for people.</param>
/// <param name="program">Makes the program.</param>
/// <param name="schedules">Schedules to run.</param>
internal sealed class ProfileLoop(string verb, string summary, Func<Workload> program, int schedules) : IBenchmark
{
    /// <summary>Yardstick M.</summary>
    public static readonly ProfileLoop OfM = new("loop", "a million schedules of M, for a profiler", () => Yardstick.M(@fixed: false), 1_000_000);

    /// <summary>S21 as it is shipped.</summary>
    public static readonly ProfileLoop OfBoard = new("board-loop", "40,000 schedules of S21, for a profiler", () => BootWorkload.Create(ScenarioBenchmark.Load("s21-fwspec-race", "bug").Plan), 40_000);

    /// <inheritdoc/>
    public string Verb => verb;

    /// <inheritdoc/>
    public string Summary => summary;

    /// <inheritdoc/>
    public void Run()
    {
        var runtime = new DeterministicRuntime(program());
        var strategy = new RandomWalk(1);
        Schedules(0, schedules / 10); // Tiered compilation gets what it wants to see.
        var steps = runtime.TotalSteps;
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var time = Process.GetCurrentProcess().UserProcessorTime;
        Schedules(schedules / 10, schedules);
        time = Process.GetCurrentProcess().UserProcessorTime - time;
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        steps = runtime.TotalSteps - steps;
        Console.WriteLine($"{verb}: {time.TotalNanoseconds / steps:F1} ns of processor time and {(double)bytes / steps:F1} bytes a step, {steps / 1e6:F1} M steps");

        void Schedules(int from, int to)
        {
            for (var number = from; number < to; number++)
            {
                strategy.BeginSchedule(number);
                strategy.EndSchedule(runtime.Run(strategy, number));
            }
        }
    }
}
