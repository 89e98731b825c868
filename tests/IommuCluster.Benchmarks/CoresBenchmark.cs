using System.Diagnostics;
using System.Globalization;
using System.Threading;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Running;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>
/// A campaign over M with all checkers, turn and turn about: on one core, on all of them, and as one process a core. Processes share no memory,
/// so what they gain is what the machine has to give to this very code; the bare loop gains more where two virtual cores are one physical core's
/// two hardware threads, since its steps wait for each other. Processor time a step tells what a busy machine hides, but for what the host of a virtual
/// one takes from it, which is told beside it. Each sample takes the same time, not the same work, so that no worker runs on alone when the other has ended.
/// </summary>
/// <param name="words">Which strategies, all when empty; or, in a process that such a run has started, <see cref="Apart"/> and the strategy.</param>
internal sealed class CoresBenchmark(string[] words) : IBenchmark
{
    private const int Rounds = 15;

    /// <summary>A pair of samples is disturbed when the host of a virtual machine took more than this share of one of them.</summary>
    private const double MostStolen = 0.01;
    private const int BareSchedules = 1_000_000;
    private const string Cores = "cores";
    private const string Apart = "apart";

    private static readonly string[] s_strategies = [StrategyCatalog.Random, StrategyCatalog.Portfolio, StrategyCatalog.Dpor];
    private static readonly TimeSpan s_sample = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public string Verb => Cores;

    /// <inheritdoc/>
    public string Summary => "campaigns over M on one core, on all, and in a process a core; strategies by name";

    /// <inheritdoc/>
    public void Run()
    {
        if (words is [Apart, var own])
        {
            Serve(own);
            return;
        }

        var all = Environment.ProcessorCount;
        Console.WriteLine($"campaigns over M (dpor: over fixed M) of {s_sample.TotalSeconds} s, checkers on, medians of {Rounds} rounds; {(System.Runtime.GCSettings.IsServerGC ? "server" : "workstation")} GC");
        foreach (var strategy in s_strategies.Where(strategy => words.Length == 0 || words.Contains(strategy)))
        {
            var processes = Enumerable.Range(0, all).Select(_ => new OwnProcess(strategy)).ToList();
            var (one, together, apart, bareOne, bareAll) = (new List<Sample>(), new List<Sample>(), new List<Sample>(), new List<Sample>(), new List<Sample>());
            Sample.Of(strategy, all);
            Sample.OfProcesses(processes);
            Sample.OfBareLoop(BareSchedules, all);
            for (var round = 0; round < Rounds; round++)
            {
                one.Add(Sample.Of(strategy, 1));
                together.Add(Sample.Of(strategy, all));
                apart.Add(Sample.OfProcesses(processes));
                bareOne.Add(Sample.OfBareLoop(BareSchedules, 1));
                bareAll.Add(Sample.OfBareLoop(BareSchedules, all));
            }

            processes.ForEach(process => process.Dispose());
            Console.WriteLine($"{strategy}; collections {Sample.Median(one).Collections} and {Sample.Median(together).Collections}, paused {Sample.Median(together).Paused:P1} of the time on {all} cores");
            Console.WriteLine($"  one process, {all} cores: {Gain(one, together)}");
            Console.WriteLine($"  {all} processes:          {Gain(one, apart)}; one process has {Ratio(apart, together):F2} of their speed");
            Console.WriteLine($"  bare loop, {all} cores:   {Gain(bareOne, bareAll)}");
        }
    }

    /// <summary>Runs a campaign on one core for each line that is read.</summary>
    private static void Serve(string strategy)
    {
        while (Console.ReadLine() is not null)
        {
            var sample = Sample.Of(strategy, 1);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sample.StepsPerSecond:R} {sample.NanosecondsAStep:R}"));
        }
    }

    private static string Gain(List<Sample> one, List<Sample> many)
    {
        var (single, crew) = (Sample.Median(one), Sample.Median(many));
        return $"{single.StepsPerSecond / 1e6:F2} to {crew.StepsPerSecond / 1e6:F2} M steps/s, {Ratio(one, many):F2} x (median of pairs{Undisturbed(one, many)}); processor time a step {single.NanosecondsAStep:F1} and {crew.NanosecondsAStep:F1} ns; stolen by the host {Stolen(one):P1} and {Stolen(many):P1}";
    }

    private static double Ratio(IReadOnlyCollection<Sample> from, IReadOnlyCollection<Sample> to) => from.Zip(to, (a, b) => b.StepsPerSecond / a.StepsPerSecond).Order().ElementAt(from.Count / 2);

    /// <summary>The ratio of those pairs that the host left alone, where there are enough others.</summary>
    private static string Undisturbed(List<Sample> from, List<Sample> to)
    {
        var pairs = from.Zip(to).Where(pair => pair.First.Stolen <= MostStolen && pair.Second.Stolen <= MostStolen).ToList();
        return pairs.Count == from.Count ? string.Empty
            : pairs.Count < 3 ? $"; {pairs.Count} of them undisturbed"
            : $"; {Ratio([.. pairs.Select(pair => pair.First)], [.. pairs.Select(pair => pair.Second)]):F2} x of the {pairs.Count} undisturbed";
    }

    private static double Stolen(List<Sample> samples) => samples.Select(sample => sample.Stolen).Order().ElementAt(samples.Count / 2);

    /// <summary>Processor time of all cores that was given and stolen since the machine started, in ticks (proc(5), /proc/stat); zeros elsewhere.</summary>
    private readonly record struct HostTime(long All, long Taken)
    {
        private const string File = "/proc/stat";

        public static HostTime Now()
        {
            if (!System.IO.File.Exists(File))
            {
                return default;
            }

            var ticks = System.IO.File.ReadLines(File).First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(tick => long.Parse(tick, CultureInfo.InvariantCulture)).ToArray();
            return new HostTime(ticks.Sum(), ticks[^1]);
        }

        /// <summary>The share of the time until now that was stolen, from 0 to 1.</summary>
        public double StolenSince()
        {
            var now = Now();
            return now.All == All ? 0 : (double)(now.Taken - Taken) / (now.All - All);
        }
    }

    /// <summary>What a sample shows.</summary>
    /// <param name="StepsPerSecond">Steps a second, all workers together.</param>
    /// <param name="NanosecondsAStep">Processor time a step.</param>
    /// <param name="Collections">Garbage collections.</param>
    /// <param name="Paused">The share of the time in which collections stopped the workers.</param>
    /// <param name="Stolen">The share of all cores' time that the host of a virtual machine took.</param>
    private readonly record struct Sample(double StepsPerSecond, double NanosecondsAStep, int Collections, double Paused, double Stolen)
    {
        public static Sample Of(string strategy, int cores)
        {
            var campaign = new Campaign(new CampaignPlan(strategy, 1));
            var workers = new LocalWorkers(() => new ShardRunner(Yardstick.M(@fixed: StrategyCatalog.Ends(strategy)), new RuntimeOptions()), cores);
            var (collections, paused, host) = (GC.CollectionCount(0), GC.GetTotalPauseDuration(), HostTime.Now());
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            while (campaign.End is null)
            {
                workers.RunRound(campaign, () => watch.Elapsed >= s_sample, default);
            }

            var elapsed = watch.Elapsed;
            return new Sample(campaign.Steps / elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalNanoseconds / campaign.Steps, GC.CollectionCount(0) - collections, (GC.GetTotalPauseDuration() - paused) / elapsed, host.StolenSince());
        }

        public static Sample OfProcesses(List<OwnProcess> processes)
        {
            var host = HostTime.Now();
            processes.ForEach(process => process.Begin());
            var samples = processes.Select(process => process.End()).ToList();
            return new Sample(samples.Sum(sample => sample.StepsPerSecond), samples.Average(sample => sample.NanosecondsAStep), 0, 0, host.StolenSince());
        }

        public static Sample OfBareLoop(int schedules, int cores)
        {
            var steps = 0L;
            var host = HostTime.Now();
            var processor = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            Parallel.For(0, cores, new ParallelOptions { MaxDegreeOfParallelism = cores }, _ => Interlocked.Add(ref steps, new BareLoop(@fixed: false).Run(schedules).Steps));
            return new Sample(steps / watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalNanoseconds / steps, 0, 0, host.StolenSince());
        }

        public static Sample Median(List<Sample> samples) => samples.OrderBy(sample => sample.StepsPerSecond).ElementAt(samples.Count / 2);
    }

    /// <summary>This benchmark in a process of its own, which runs a campaign on one core when it is told to.</summary>
    private sealed class OwnProcess(string strategy) : IDisposable
    {
        private readonly Process _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Self, Cores, Apart, strategy]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

        /// <summary>The benchmarks' own assembly, where it is the dotnet host that runs it.</summary>
        private static string[] Self => Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? [typeof(CoresBenchmark).Assembly.Location] : [];

        public void Begin() => _process.StandardInput.WriteLine();

        public Sample End()
        {
            var figures = _process.StandardOutput.ReadLine()!.Split(' ').Select(figure => double.Parse(figure, CultureInfo.InvariantCulture)).ToArray();
            return new Sample(figures[0], figures[1], 0, 0, 0);
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
