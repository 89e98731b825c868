using System.Diagnostics;
using System.Threading;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Running;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>
/// A campaign over M with all checkers, on one core and on all of them, turn and turn about, and between them the bare loop, which shares nothing:
/// what it gains from another core is what the machine has to give. Processor time a step tells what a busy machine hides.
/// </summary>
internal sealed class CoresBenchmark : IBenchmark
{
    private const int Rounds = 7;
    private const int BareSchedules = 1_000_000;

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
            var (one, many, bareOne, bareMany) = (new List<Sample>(), new List<Sample>(), new List<Sample>(), new List<Sample>());
            Sample.Of(strategy, schedules, all);
            Sample.OfBareLoop(BareSchedules, all);
            for (var round = 0; round < Rounds; round++)
            {
                one.Add(Sample.Of(strategy, schedules, 1));
                many.Add(Sample.Of(strategy, schedules, all));
                bareOne.Add(Sample.OfBareLoop(BareSchedules, 1));
                bareMany.Add(Sample.OfBareLoop(BareSchedules, all));
            }

            Console.WriteLine($"{strategy,-10} {schedules:N0} schedules: {Gain(one, many, all)}; collections {Sample.Median(one).Collections} and {Sample.Median(many).Collections}, paused {Sample.Median(many).Paused:P1} of the time on {all}");
            Console.WriteLine($"{"bare loop",-10} {BareSchedules:N0} schedules a core: {Gain(bareOne, bareMany, all)}");
        }
    }

    private static string Gain(List<Sample> one, List<Sample> many, int all)
    {
        var (single, crew) = (Sample.Median(one), Sample.Median(many));
        var ratio = one.Zip(many, (a, b) => b.StepsPerSecond / a.StepsPerSecond).Order().ElementAt(Rounds / 2);
        return $"1 core {single.StepsPerSecond / 1e6:F2} M steps/s, {all} cores {crew.StepsPerSecond / 1e6:F2} M steps/s, ratio {ratio:F2} (median of pairs); processor time a step {single.NanosecondsAStep:F1} and {crew.NanosecondsAStep:F1} ns";
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

        public static Sample OfBareLoop(int schedules, int cores)
        {
            var steps = 0L;
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            Parallel.For(0, cores, new ParallelOptions { MaxDegreeOfParallelism = cores }, _ => Interlocked.Add(ref steps, new BareLoop(@fixed: false).Run(schedules).Steps));
            return new Sample(steps / watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalNanoseconds / steps, 0, 0);
        }

        public static Sample Median(List<Sample> samples) => samples.OrderBy(sample => sample.StepsPerSecond).ElementAt(samples.Count / 2);
    }
}
