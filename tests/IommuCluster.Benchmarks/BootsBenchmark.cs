using System.Diagnostics;
using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Benchmarks;

/// <summary>The whole boot of the shipped boards with most devices and with most steps, and of a middling one, everything built in, checkers on, one transfer a master.</summary>
internal sealed class BootsBenchmark : IBenchmark
{
    private const int Rounds = 5;

    /// <inheritdoc/>
    public string Verb => "boots";

    /// <inheritdoc/>
    public string Summary => "a whole boot of the largest and of a middling board: steps, objects, seconds, memory, boots a second";

    /// <inheritdoc/>
    public void Run()
    {
        var boards = new BoardCatalog(RealFiles.Boards).List().Select(entry => BoardReader.Load(entry.Path))
            .Select(board => new BootPlan { Board = board, Profile = ProfileCatalog.Find("linux-6.10")!, Transfers = 1 })
            .Select(plan => (Plan: plan, Size: First(plan).Steps))
            .OrderBy(board => board.Size).ToList();
        Console.WriteLine($"linux-6.10, random walk, one core, medians of {Rounds}");
        Console.WriteLine($"{"",-32}{"devices",8}{"steps",9}{"objects",9}{"words",9}{"first boot",13}{"memory",11}{"boots/s",10}{"from snapshot",15}");
        Show(boards.MaxBy(board => First(board.Plan).Devices).Plan);
        Show(boards[^1].Plan);
        Show(boards[boards.Count / 2].Plan);
    }

    private static void Show(BootPlan plan)
    {
        var (devices, steps, objects, words) = First(plan);
        var first = new List<double>();
        var memory = new List<double>();
        var (whole, snapshot) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            first.Add(FirstBootMs(plan));
            memory.Add(MemoryMiB(plan));
            whole.Add(Rate(plan, wholeTrace: true));
            snapshot.Add(Rate(plan, wholeTrace: false));
        }

        Console.WriteLine(
            $"{plan.Board.Name,-32}{devices,8}{steps,9}{objects,9}{words,9}{Median(first),10:F1} ms{Median(memory),7:F1} MiB{Median(whole),10:F1}{Median(snapshot),15:F1}");
    }

    private static (int Devices, long Steps, int Objects, int Words) First(BootPlan plan)
    {
        var (runtime, strategy) = Make(plan, wholeTrace: true);
        Once(runtime, strategy, 0);
        return (BootCensus.Take(BootWorkload.Create(plan).Machine!, runtime.Bank).Length, runtime.TotalSteps, runtime.Bank.ObjectCount, runtime.Bank.WordCount);
    }

    private static (DeterministicRuntime Runtime, RandomWalk Strategy) Make(BootPlan plan, bool wholeTrace) =>
        (new DeterministicRuntime(BootWorkload.Create(plan), new RuntimeOptions { WholeTrace = wholeTrace, MaxSteps = 2_000_000 }), new RandomWalk(1));

    private static double FirstBootMs(BootPlan plan)
    {
        var watch = Stopwatch.StartNew();
        var (runtime, strategy) = Make(plan, wholeTrace: true);
        Once(runtime, strategy, 0);
        return watch.Elapsed.TotalMilliseconds;
    }

    /// <summary>What a machine that has booted keeps alive: memory, threads, checkers, the trace.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double MemoryMiB(BootPlan plan)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (runtime, strategy) = Make(plan, wholeTrace: true);
        Once(runtime, strategy, 0);
        var after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(runtime);
        return (after - before) / 1048576.0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double Rate(BootPlan plan, bool wholeTrace)
    {
        var (runtime, strategy) = Make(plan, wholeTrace);
        var number = 1L;
        Once(runtime, strategy, number++);
        var watch = Stopwatch.StartNew();
        var boots = 0;
        for (; watch.ElapsedMilliseconds < 1_000; boots++)
        {
            Once(runtime, strategy, number++);
        }

        return boots / watch.Elapsed.TotalSeconds;
    }

    private static void Once(DeterministicRuntime runtime, RandomWalk strategy, long number)
    {
        strategy.BeginSchedule(number);
        var end = runtime.Run(strategy, number);
        if (end != ScheduleEnd.Completed)
        {
            throw new InvalidOperationException($"boot {number} ended as {end}: {string.Join("; ", runtime.Sightings.Select(sighting => sighting.Finding))}");
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
