using System.Diagnostics;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Running;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>A campaign over M with all checkers, on one core and on all of them, turn and turn about. Processor time a step tells what a busy machine hides.</summary>
internal sealed class CoresBenchmark : IBenchmark
{
    private const int Rounds = 7;

    /// <inheritdoc/>
    public string Verb => "cores";

    /// <inheritdoc/>
    public string Summary => "campaigns over M on one core and on all";

    /// <inheritdoc/>
    public void Run()
    {
        var all = Environment.ProcessorCount;
        Console.WriteLine($"campaigns of schedules of M (dpor: of fixed M), checkers on, medians of {Rounds} rounds; {(System.Runtime.GCSettings.IsServerGC ? "server" : "workstation")} GC");
        foreach (var (strategy, schedules) in new[] { (StrategyCatalog.Random, 400_000), (StrategyCatalog.Portfolio, 400_000), (StrategyCatalog.Dpor, 100_000) })
        {
            var (one, many) = (new List<Sample>(), new List<Sample>());
            Sample.Of(strategy, schedules, all);
            for (var round = 0; round < Rounds; round++)
            {
                one.Add(Sample.Of(strategy, schedules, 1));
                many.Add(Sample.Of(strategy, schedules, all));
            }

            var (single, crew) = (Sample.Median(one), Sample.Median(many));
            var ratio = one.Zip(many, (a, b) => b.StepsPerSecond / a.StepsPerSecond).Order().ElementAt(Rounds / 2);
            Console.WriteLine($"{strategy,-10} {schedules:N0} schedules: 1 core {single.StepsPerSecond / 1e6:F2} M steps/s, {all} cores {crew.StepsPerSecond / 1e6:F2} M steps/s, ratio {ratio:F2} (median of pairs); processor time a step {single.NanosecondsAStep:F0} and {crew.NanosecondsAStep:F0} ns; collections {single.Collections} and {crew.Collections}, paused {crew.Paused:P1} of the time on {all}");
        }
    }

    private readonly record struct Sample(double StepsPerSecond, double NanosecondsAStep, int Collections, double Paused)
    {
        public static Sample Of(string strategy, int schedules, int cores)
        {
            var campaign = new Campaign(new CampaignPlan(strategy, 1) { Schedules = schedules });
            var workers = new LocalWorkers(() => new ShardRunner(Yardstick.M(@fixed: StrategyCatalog.Ends(strategy)), new RuntimeOptions()), cores);
            var (collections, paused) = (GC.CollectionCount(0), GC.GetTotalPauseDuration());
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            while (campaign.End is null)
            {
                workers.RunRound(campaign, () => false, default);
            }

            var elapsed = watch.Elapsed;
            return new Sample(campaign.Steps / elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalNanoseconds / campaign.Steps, GC.CollectionCount(0) - collections, (GC.GetTotalPauseDuration() - paused) / elapsed);
        }

        public static Sample Median(List<Sample> samples) => samples.OrderBy(sample => sample.StepsPerSecond).ElementAt(samples.Count / 2);
    }
}
