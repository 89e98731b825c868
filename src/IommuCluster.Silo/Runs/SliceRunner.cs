using System.Collections.Immutable;
using System.Diagnostics;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Running;
using CancellationToken = System.Threading.CancellationToken;
using Interlocked = System.Threading.Interlocked;

namespace IommuCluster.Silo.Runs;

/// <summary>Does slices on this silo: boots on its grains, schedules on the calling thread.</summary>
/// <param name="orders">Reads what a slice names.</param>
/// <param name="cluster">Boots SoCs.</param>
/// <param name="workloads">Makes the workloads of SoCs that may boot on any silo.</param>
/// <param name="instruments">Hears of schedules.</param>
/// <param name="clock">Measures budgets in time.</param>
internal sealed class SliceRunner(OrderReader orders, ClusterRunner cluster, WorkloadSource workloads, ExplorationInstruments instruments, TimeProvider clock)
{
    private readonly CaseRunner _cases = new(clock) { Observer = instruments };
    private readonly ShardWorkers _workers = new(orders, new CaseRunner(clock) { Observer = instruments });

    /// <summary>Does a slice.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="name">A name unlike that of any other slice of the cluster, without slashes.</param>
    /// <param name="progress">Hears the number of boots or schedules done, from any thread.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>What it did.</returns>
    /// <exception cref="BootLostException">A boot was lost with every try.</exception>
    /// <exception cref="ClusterBootException">A fault of our own.</exception>
    /// <exception cref="TimeoutException">A boot stands still: a fault of our own.</exception>
    public Task<SliceResult> RunAsync(RunSlice slice, string name, Action<long> progress, CancellationToken cancellation)
    {
        if (slice.ToShard() is { } shard)
        {
            return OnAThread(() => SliceResult.Of(Run(slice, shard, progress, cancellation)));
        }

        var found = orders.ReadCase(slice);
        return slice.Order switch
        {
            { Replay: { } token } => ReplayAsync(found, slice, ScenarioToken.Parse(token), name, cancellation),
            { Boots: not null } => BootAsync(found, slice, name, progress, cancellation),
            { Socs: not null } => BootSocsAsync(found, slice, name, progress, cancellation),
            _ => throw new UnreachableException("Whatever else is explored is explored in shards."),
        };
    }

    /// <summary>Explores on a thread of its own: it never awaits, and on the pool's threads it would keep messages waiting until the silo is taken for dead.</summary>
    private static Task<SliceResult> OnAThread(Func<SliceResult> explore) =>
        Task.Factory.StartNew(explore, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private ShardResult Run(RunSlice slice, Shard shard, Action<long> progress, CancellationToken cancellation)
    {
        var begun = 0;
        var begin = clock.GetTimestamp();
        var timeLeft = StrategyCatalog.IsOfOneMind(shard.Strategy) ? slice.TimeLeft : null; // Its shard may be all that is left.
        return _workers.Run(slice, shard, () =>
        {
            progress(begun++);
            return cancellation.IsCancellationRequested || clock.GetElapsedTime(begin) >= timeLeft;
        });
    }

    private async Task<SliceResult> BootAsync(ScenarioCase found, RunSlice slice, string name, Action<long> progress, CancellationToken cancellation)
    {
        var runner = new ClusterCaseRunner(cluster, _cases, clock) { Name = name, Progress = progress, Recipe = WorkloadSource.RecipeOf(slice) };
        var result = await runner.RunAsync(found, (int)slice.Count!.Value, cancellation); // Boots are always counted.
        return Result(result, slice) with { Lost = runner.Lost };
    }

    /// <summary>Boots the SoCs of the slice, so many at the same time, wherever their placement puts them.</summary>
    private async Task<SliceResult> BootSocsAsync(ScenarioCase found, RunSlice slice, string name, Action<long> progress, CancellationToken cancellation)
    {
        var recipe = WorkloadSource.RecipeOf(slice);
        var options = new BootOptions { Runtime = CaseRunner.OptionsOf(found.Explore), Scatter = found.Explore.Scatter, Recipe = recipe };
        var booter = new SocBooter(cluster, clock);
        var workload = workloads.Make(recipe);
        var done = 0L;
        var boots = new ClusterBoot?[(int)slice.Count!.Value]; // SoCs are always counted.
        await Parallel.ForAsync(0, boots.Length, new ParallelOptions { MaxDegreeOfParallelism = RunLedger.SocsAtOnce }, async (number, _) =>
        {
            boots[number] = await booter.BootAsync(workload, $"{name}{number}", options, cancellation);
            progress(Interlocked.Increment(ref done));
        });
        var seen = new SeenFindings();
        foreach (var boot in boots.OfType<ClusterBoot>())
        {
            seen.Note([.. boot.Findings, .. boot.Races], boot.Steps);
        }

        var coverage = seen.Boots == slice.Count ? Coverage.BudgetDone : Coverage.StoppedEarly;
        return new SliceResult(seen.Boots, 0, seen.Steps, coverage, FindingsOf(found, seen.ByRace().SelectMany(each => each), slice), Lost: booter.Lost);
    }

    private async Task<SliceResult> ReplayAsync(ScenarioCase found, RunSlice slice, ScenarioToken token, string name, CancellationToken cancellation)
    {
        var runner = new ClusterCaseRunner(cluster, _cases, clock) { Name = name, Recipe = WorkloadSource.RecipeOf(slice) };
        var (boot, process) = await runner.ReplayAsync(found, token, cancellation);
        var ends = new ReplayEnds(
            new ReplayEnd(ScenarioWords.Kebab(boot.End), TextOf(boot.Fingerprint)),
            new ReplayEnd(ScenarioWords.Kebab(process.End), TextOf(process.Fingerprint)));
        return new SliceResult(
            1,
            0,
            boot.Steps,
            Coverage.BudgetDone,
            [.. boot.Findings.Select(seen => new SliceFinding(seen.Kind, seen.Function, seen.ObjectType, seen.Field, seen.Other, seen.Message, 1, 0, InEvery: true, token.ToString()))],
            Replay: ends);
    }

    private static string TextOf(StateHash hash) => $"{hash.High:x16}{hash.Low:x16}";

    private static SliceResult Result(CaseResult result, RunSlice slice) => new(
        result.Seen.Schedules,
        result.Seen.Abandoned,
        result.Seen.Steps,
        result.Seen.Coverage,
        FindingsOf(result.Case, result.Seen.All, slice));

    private static ImmutableArray<SliceFinding> FindingsOf(ScenarioCase found, IEnumerable<ObservedFinding> seen, RunSlice slice) =>
        [.. seen.Select(each => SliceFinding.Of(found, each with { FirstSchedule = slice.First + each.FirstSchedule }))];
}
