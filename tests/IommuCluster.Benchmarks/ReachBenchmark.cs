using System.Diagnostics;
using System.Globalization;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;

namespace IommuCluster.Benchmarks;

/// <summary>How far each search comes on the cases of S21 that are to be searched in full, in so much time.</summary>
/// <param name="seconds">Time for each search.</param>
/// <param name="names">Names of the cases and searches that are wanted; where there is none of either, all of them.</param>
internal sealed class ReachBenchmark(int seconds, string[] names) : IBenchmark
{
    private const string Scenario = "s21-fwspec-race";

    /// <inheritdoc/>
    public string Verb => "reach";

    /// <inheritdoc/>
    public string Summary => "how far each search comes on S21 with one device and with two, so many seconds each at most; cases and searches by name";

    /// <inheritdoc/>
    public void Run()
    {
        Console.WriteLine($"{"",-28}{"schedules",12}{"given up",12}{"states",12}{"M steps",10}{"seconds",9}  outcome");
        foreach (var name in Wanted(["exhausted", "exhausted-bug", "two-devices"]))
        {
            foreach (var search in Wanted(StrategyCatalog.Names.Where(StrategyCatalog.Ends)))
            {
                Search(name, StrategyCatalog.CreateSearch(search));
            }
        }
    }

    private IEnumerable<string> Wanted(IEnumerable<string> all) => all.Any(names.Contains) ? all.Where(names.Contains) : all;

    private void Search(string name, ISearch search)
    {
        var runtime = new DeterministicRuntime(BootWorkload.Create(ScenarioBenchmark.Load(Scenario, name).Plan), new RuntimeOptions { StateHashing = true });
        var watch = Stopwatch.StartNew();
        var (number, abandoned) = (0L, 0L);
        for (; watch.Elapsed.TotalSeconds < seconds && search.BeginSchedule(number); number++)
        {
            var end = runtime.Run(search, number);
            search.EndSchedule(end);
            abandoned += end == ScheduleEnd.Abandoned ? 1 : 0;
        }

        var lessons = search is StateSearch { Lessons: var anew } ? $"; begun anew {anew} times" : string.Empty;
        var outcome = search.IsExhausted ? "exhausted" : $"{(search.CompletedBound is { } bound ? $"all with {bound} preemptions" : "nothing proved")}, {(search.Progress is { } part ? $"{part:P1}" : "an unknown part")} of what follows{lessons}";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-14}{search.Name,-14}{number,12:N0}{abandoned,12:N0}{search.StateCount,12:N0}{runtime.TotalSteps / 1e6,10:F1}{watch.Elapsed.TotalSeconds,9:F1}  {outcome}"));
    }
}
