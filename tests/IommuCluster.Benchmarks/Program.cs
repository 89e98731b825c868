using System.Diagnostics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.TestKit;

foreach (var checkers in new[] { true, false, true, false })
{
    foreach (var (name, w) in new[] { ("M", Yardstick.M(false)), ("M fixed", Yardstick.M(true)) })
    {
        var runtime = new DeterministicRuntime(w, new RuntimeOptions { Checkers = checkers });
        var strategy = new RandomWalk(1);
        long bugs = 0;
        long start = 0;
        for (var i = 0; i < 20000; i++) { strategy.BeginSchedule(i); runtime.Run(strategy, i); }
        start = runtime.TotalSteps;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < 100000; i++)
        {
            strategy.BeginSchedule(i);
            runtime.Run(strategy, i);
            foreach (var s in runtime.Sightings) { if (!s.Finding.IsRace) { bugs++; break; } }
        }
        var seconds = watch.Elapsed.TotalSeconds;
        Console.WriteLine($"{name} checkers {checkers}: {(runtime.TotalSteps - start) / seconds / 1e6:F2} M steps/s, {100000 / seconds / 1e3:F1} k schedules/s, bug {bugs / 100000.0:F3}");
    }
}
var search = new StateSearch();
var sr = new DeterministicRuntime(Yardstick.S(true), new RuntimeOptions { StateHashing = true });
long n = 0;
while (search.BeginSchedule(n)) { search.EndSchedule(sr.Run(search, n++)); }
Console.WriteLine($"S fixed states {search.StateCount} schedules {n} steps {sr.TotalSteps}");
search = new StateSearch();
sr = new DeterministicRuntime(Yardstick.M(true), new RuntimeOptions { StateHashing = true });
n = 0;
var sw = Stopwatch.StartNew();
while (search.BeginSchedule(n)) { search.EndSchedule(sr.Run(search, n++)); }
Console.WriteLine($"M fixed states {search.StateCount} schedules {n} steps {sr.TotalSteps} {sw.Elapsed.TotalSeconds:F1} s");
