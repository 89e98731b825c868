using System.Diagnostics;
using System.Runtime.CompilerServices;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>How soon each strategy meets the first consequence: schedules and time, checkers on.</summary>
internal sealed class FirstFindingBenchmark : IBenchmark
{
    private const int Seeds = 20;
    private const int PortfolioSeeds = 100;
    private const int Budget = 10_000;

    /// <inheritdoc/>
    public string Verb => "first-finding";

    /// <inheritdoc/>
    public string Summary => "schedules and time to the first finding by strategy, medians over 20 seeds";

    /// <inheritdoc/>
    public void Run()
    {
        SeedScenarios.Print(Seeds);
        Console.WriteLine();
        Target[] targets =
        [
            .. new[] { "S", "M", "H", "L" }.Select(letter => new Target(letter, Yardstick.Of(letter), _ => true)),
            new Target("S21 bug", BootWorkload.Create(S21().Plan), finding => finding.ObjectType is "dev_iommu" or "iommu_fwspec"),
        ];
        Console.WriteLine($"schedules and time to the first consequence (S21: fault of dev->iommu or fwspec), medians over {Seeds} seeds; a search has no seed");
        Console.WriteLine($"[n] = only n of the seeds within {Budget} schedules; - = less than half of them, or the search not within them");
        Console.WriteLine($"{"",-12}{string.Concat(targets.Select(target => $"{target.Name,22}"))}");
        foreach (var name in StrategyCatalog.Names)
        {
            var seeds = StrategyCatalog.Ends(name) ? 1 : Seeds;
            Console.WriteLine($"{name,-12}{string.Concat(targets.Select(target => $"{Median(name, target, seeds),22}"))}");
        }

        Console.WriteLine();
        foreach (var target in targets)
        {
            var firsts = Firsts(StrategyCatalog.Portfolio, target, PortfolioSeeds);
            var found = firsts.Where(first => first.Schedules <= Budget).ToList();
            Console.WriteLine($"portfolio, {target.Name}: {found.Count} of {PortfolioSeeds} seeds within {Budget} schedules, most {firsts.Max(first => first.Schedules)}");
        }
    }

    private static ScenarioCase S21([CallerFilePath] string here = "") =>
        ScenarioCatalog.Locate(Path.GetDirectoryName(here)!).Load("s21-fwspec-race").FindCase("bug");

    private static string Median(string name, Target target, int seeds)
    {
        var firsts = Firsts(name, target, seeds);
        var found = firsts.Count(first => first.Schedules <= Budget);
        if (found * 2 < seeds)
        {
            return seeds > 1 ? $"- [{found}]" : "-";
        }

        var schedules = firsts.Select(first => first.Schedules).Order().ElementAt(seeds / 2);
        var time = firsts.Select(first => first.Time).Order().ElementAt(seeds / 2);
        return $"{schedules} / {time.TotalMilliseconds:F1} ms{(found < seeds ? $" [{found}]" : string.Empty)}";
    }

    private static List<First> Firsts(string name, Target target, int seeds)
    {
        var firsts = new List<First>();
        FirstOf(name, target, 0); // Tiered compilation gets what it wants to see.
        for (var seed = 1; seed <= seeds; seed++)
        {
            firsts.Add(FirstOf(name, target, (ulong)seed));
        }

        return firsts;
    }

    private static First FirstOf(string name, Target target, ulong seed)
    {
        var watch = Stopwatch.StartNew();
        var schedules = StrategyCatalog.Ends(name)
            ? FirstOfSearch(StrategyCatalog.CreateSearch(name), target)
            : Campaigns.FirstConsequence(name, seed, target.Program, Budget, target.Counts);
        return new First(schedules, watch.Elapsed);
    }

    private static long FirstOfSearch(IStrategy search, Target target)
    {
        var runtime = new DeterministicRuntime(target.Program, new RuntimeOptions { StateHashing = StrategyCatalog.HashesStates(search.Name) });
        for (var number = 0; number < Budget && search.BeginSchedule(number); number++)
        {
            search.EndSchedule(runtime.Run(search, number));
            if (runtime.Sightings.Any(sighting => !sighting.Finding.IsRace && target.Counts(sighting.Finding)))
            {
                return number + 1;
            }
        }

        return Budget + 1;
    }

    private sealed record Target(string Name, Workload Program, Func<Finding, bool> Counts);

    private readonly record struct First(long Schedules, TimeSpan Time);
}
