using System.Diagnostics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>Yardstick M: the deterministic runtime next to the bare loop, and how long it takes to exhaust it.</summary>
internal sealed class YardstickBenchmark : IBenchmark
{
    private const int SchedulesPerRound = 40_000;

    /// <inheritdoc/>
    public string Verb => "yardstick";

    /// <inheritdoc/>
    public string Summary => "random walk on M next to a bare loop; M fixed exhausted";

    /// <inheritdoc/>
    public void Run()
    {
        Console.WriteLine("random walk, one core, medians of 5 rounds");
        Console.WriteLine($"{"",-24}{"schedules/s",14}{"steps/s",12}{"bare loop =",14}{"bytes/schedule",16}");
        foreach (var isFixed in new[] { false, true })
        {
            var name = isFixed ? "M fixed" : "M bug";
            var rates = Rounds.Run(
            [
                new Measured($"{name}, bare loop", () => new BareLoop(isFixed).Run(SchedulesPerRound)),
                Random($"{name}, checkers off", Yardstick.M(isFixed), checkers: false),
                Random($"{name}, checkers on", Yardstick.M(isFixed), checkers: true),
                Random($"{name}, unheard", Yardstick.M(isFixed), checkers: true, new ExplorationInstruments()),
            ]);
            foreach (var rate in rates)
            {
                Console.WriteLine($"{rate.Name,-24}{rate.SchedulesPerSecond / 1e3,12:F1} k{rate.StepsPerSecond / 1e6,10:F2} M{rates[0].StepsPerSecond / rate.StepsPerSecond,12:F1} x{rate.BytesPerSchedule,16:F0}");
            }
        }

        Console.WriteLine($"bug met: bare loop {new BareLoop(@fixed: false).Odds(20_000):F3}, runtime {Odds(20_000):F3}");
        Exhaust(checkers: false);
        Exhaust(checkers: true);
    }

    private static Measured Random(string name, Workload program, bool checkers, IScheduleObserver? observer = null)
    {
        var runtime = new DeterministicRuntime(program, new RuntimeOptions { Checkers = checkers, Observer = observer });
        var strategy = new RandomWalk(1);
        var number = 0L;
        return new Measured(name, () =>
        {
            var before = runtime.TotalSteps;
            for (var i = 0; i < SchedulesPerRound; i++, number++)
            {
                strategy.BeginSchedule(number);
                strategy.EndSchedule(runtime.Run(strategy, number));
            }

            return new Work(SchedulesPerRound, runtime.TotalSteps - before);
        });
    }

    private static double Odds(int schedules)
    {
        var runtime = new DeterministicRuntime(Yardstick.M(@fixed: false));
        var strategy = new RandomWalk(1);
        var bugs = 0;
        for (var i = 0; i < schedules; i++)
        {
            strategy.BeginSchedule(i);
            runtime.Run(strategy, i);
            bugs += runtime.Sightings.Any(sighting => !sighting.Finding.IsRace) ? 1 : 0;
        }

        return (double)bugs / schedules;
    }

    private static void Exhaust(bool checkers)
    {
        var seconds = new List<double>();
        var (states, schedules, steps) = (0L, 0L, 0L);
        for (var round = 0; round < 5; round++)
        {
            var search = new StateSearch();
            var runtime = new DeterministicRuntime(Yardstick.M(@fixed: true), new RuntimeOptions { StateHashing = true, Checkers = checkers });
            var watch = Stopwatch.StartNew();
            for (schedules = 0; search.BeginSchedule(schedules); schedules++)
            {
                search.EndSchedule(runtime.Run(search, schedules));
            }

            seconds.Add(watch.Elapsed.TotalSeconds);
            (states, steps) = (search.StateCount!.Value, runtime.TotalSteps);
        }

        Console.WriteLine($"M fixed exhausted, checkers {(checkers ? "on" : "off")}: {seconds.Order().ElementAt(2):F2} s, {states} states with a choice, {schedules} schedules, {steps / 1e6:F2} M steps");
    }
}
