using System.Diagnostics;
using System.Runtime.CompilerServices;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;

namespace IommuCluster.Benchmarks;

/// <summary>How soon the portfolio meets what the cases under <c>scenarios/seeds</c> expect.</summary>
internal static class SeedScenarios
{
    private const int Budget = 1_000;

    /// <summary>Prints a line an expectation.</summary>
    /// <param name="seeds">Seeds to run, from 1.</param>
    public static void Print(int seeds)
    {
        Console.WriteLine($"portfolio: schedules and time to each expected finding of scenarios/seeds, {seeds} seeds, at most {Budget} schedules");
        Console.WriteLine($"{"",-72}{"found",10}{"median",8}{"most",6}{"median time",13}");
        foreach (var scenarioCase in Cases().Where(each => each.Expected.Length > 0))
        {
            var firsts = Enumerable.Range(1, seeds).Select(seed => FirstsOf(scenarioCase, (ulong)seed)).ToList();
            for (var i = 0; i < scenarioCase.Expected.Length; i++)
            {
                var (found, times) = (firsts.Select(first => first[i].Schedule).Order().ToList(), firsts.Select(first => first[i].Time).Order().ToList());
                var name = $"{scenarioCase.Scenario}/{scenarioCase.Name}: {scenarioCase.Expected[i].Matcher}";
                Console.WriteLine($"{name,-72}{found.Count(first => first <= Budget),4} of {seeds}{found[seeds / 2],8}{found[^1],6}{times[seeds / 2].TotalMilliseconds,10:F0} ms");
            }
        }
    }

    private static IEnumerable<ScenarioCase> Cases([CallerFilePath] string here = "")
    {
        var catalog = ScenarioCatalog.Locate(Path.GetDirectoryName(here)!);
        var folder = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "scenarios", "seeds");
        return Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal).SelectMany(file => catalog.Load(Path.GetFileNameWithoutExtension(file)).Cases);
    }

    /// <summary>By expectation, the first schedule that met it, from 1, and when the round was done that had it.</summary>
    private static (long Schedule, TimeSpan Time)[] FirstsOf(ScenarioCase scenarioCase, ulong seed)
    {
        var firsts = new (long Schedule, TimeSpan Time)[scenarioCase.Expected.Length];
        Array.Fill(firsts, (Budget + 1, TimeSpan.Zero));
        var watch = Stopwatch.StartNew();
        var workers = new LocalWorkers(() => new ShardRunner(BootWorkload.Create(scenarioCase.Plan), CaseRunner.OptionsOf(scenarioCase.Explore)), cores: 1);
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Portfolio, seed) { Schedules = Budget });
        while (campaign.End is null && firsts.Any(first => first.Schedule > Budget))
        {
            workers.RunRound(campaign, () => false, default);
            var seen = campaign.ToResult(watch.Elapsed).All.ToList();
            for (var i = 0; i < firsts.Length; i++)
            {
                if (firsts[i].Schedule > Budget && seen.Find(each => scenarioCase.Expected[i].Matcher.Matches(each.Finding)) is { } met)
                {
                    firsts[i] = (met.FirstSchedule + 1, watch.Elapsed);
                }
            }
        }

        return firsts;
    }
}
