using System.Runtime.CompilerServices;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Benchmarks;

/// <summary>Shipped scenarios on their boards: speed with and without checkers, and how soon the first finding comes.</summary>
internal sealed class ScenarioBenchmark : IBenchmark
{
    private const int Seeds = 20;
    private const int Budget = 10_000;

    /// <inheritdoc/>
    public string Verb => "scenarios";

    /// <inheritdoc/>
    public string Summary => "random walk on boards with the board's size; schedules to the first finding over 20 seeds";

    /// <inheritdoc/>
    public void Run()
    {
        var s05 = Load("s05-rk3288-vop-ebusy", "fix");
        var s21 = Load("s21-fwspec-race", "bug");
        Console.WriteLine("random walk, one core, medians of 5 rounds");
        Console.WriteLine($"{"",-34}{"masters",9}{"objects",9}{"steps",8}{"schedules/s",13}{"steps/s",11}");
        Speed("S05 fix", s05.Plan, 400);
        Speed("S21 bug", s21.Plan, 2_000);
        Speed("S21 bug, whole board", s21.Plan with { Masters = [], Iommus = [] }, 200);
        Console.WriteLine();
        FirstFinding("S21 bug", s21.Plan);
        FirstFinding("S21 bug, whole board", s21.Plan with { Masters = [], Iommus = [] });
    }

    /// <summary>A case of a shipped scenario.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="name">The case.</param>
    /// <param name="here">Not to be given.</param>
    public static ScenarioCase Load(string scenario, string name, [CallerFilePath] string here = "") =>
        ScenarioCatalog.Locate(Path.GetDirectoryName(here)!).Load(scenario).FindCase(name);

    private static void Speed(string name, BootPlan plan, int schedules)
    {
        var rates = Rounds.Run([Random(name, plan, schedules, checkers: false), Random(name, plan, schedules, checkers: true)]);
        var workload = BootWorkload.Create(plan);
        var runtime = new DeterministicRuntime(workload);
        runtime.Run(new RandomWalk(1), 0);
        foreach (var (rate, checkers) in rates.Zip(["checkers off", "checkers on"]))
        {
            Console.WriteLine($"{$"{name}, {checkers}",-34}{workload.Machine!.MasterNames().Length,9}{runtime.Bank.ObjectCount,9}{rate.StepsPerSecond / rate.SchedulesPerSecond,8:F0}{rate.SchedulesPerSecond,13:F0}{rate.StepsPerSecond / 1e6,9:F2} M");
        }
    }

    private static Measured Random(string name, BootPlan plan, int schedules, bool checkers)
    {
        var runtime = new DeterministicRuntime(BootWorkload.Create(plan), new RuntimeOptions { Checkers = checkers });
        var strategy = new RandomWalk(1);
        var number = 0L;
        return new Measured(name, () =>
        {
            var before = runtime.TotalSteps;
            for (var i = 0; i < schedules; i++, number++)
            {
                strategy.BeginSchedule(number);
                strategy.EndSchedule(runtime.Run(strategy, number));
            }

            return new Work(schedules, runtime.TotalSteps - before);
        });
    }

    private static void FirstFinding(string name, BootPlan plan)
    {
        var firsts = new List<int>();
        for (var seed = 1UL; seed <= Seeds; seed++)
        {
            var runtime = new DeterministicRuntime(BootWorkload.Create(plan));
            var strategy = new RandomWalk(seed);
            var number = 0;
            do
            {
                strategy.BeginSchedule(number);
                runtime.Run(strategy, number++);
            }
            while (number < Budget && !runtime.Sightings.Any(sighting => sighting.Finding.ObjectType is "dev_iommu" or "iommu_fwspec" && !sighting.Finding.IsRace));
            firsts.Add(number);
        }

        firsts.Sort();
        Console.WriteLine($"{name}: schedules to the first fault of dev->iommu or fwspec, {Seeds} seeds: median {firsts[Seeds / 2]}, least {firsts[0]}, most {firsts[^1]}{(firsts[^1] == Budget ? " (budget)" : string.Empty)}");
    }
}
