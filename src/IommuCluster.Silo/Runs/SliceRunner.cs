using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Running;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Silo.Runs;

/// <summary>Does slices on this silo: boots on its grains, schedules on the calling thread.</summary>
/// <param name="orders">Reads what a slice names.</param>
/// <param name="cluster">Boots SoCs.</param>
/// <param name="clock">Measures budgets in time.</param>
internal sealed class SliceRunner(OrderReader orders, ClusterRunner cluster, TimeProvider clock)
{
    private readonly CaseRunner _cases = new(clock);

    /// <summary>Does a slice.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="name">A name unlike that of any other slice of the cluster, without slashes.</param>
    /// <param name="progress">Hears the number of boots or schedules done, from any thread.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>What it did. Schedules are explored before it returns.</returns>
    /// <exception cref="TimeoutException">A boot did not end: it lost a message.</exception>
    public Task<SliceResult> RunAsync(RunSlice slice, string name, Action<long> progress, CancellationToken cancellation)
    {
        var found = orders.Read(slice.Order with { Case = slice.Case }).Cases[0];
        return slice.Order switch
        {
            { Replay: { } token } => ReplayAsync(found, ScenarioToken.Parse(token), name, cancellation),
            { Boots: not null } => BootAsync(found, slice, name, progress, cancellation),
            _ => Task.FromResult(Explore(found, slice, progress, cancellation)),
        };
    }

    private async Task<SliceResult> BootAsync(ScenarioCase found, RunSlice slice, string name, Action<long> progress, CancellationToken cancellation)
    {
        var runner = new ClusterCaseRunner(cluster, _cases, clock) { Name = name, Progress = progress };
        var result = await runner.RunAsync(found, (int)slice.Count!.Value, cancellation); // Boots are always counted.
        return Result(result, slice, tokens: false);
    }

    private SliceResult Explore(ScenarioCase found, RunSlice slice, Action<long> progress, CancellationToken cancellation)
    {
        var explore = found.Explore with { Schedules = slice.Count, Seed = SeedOf(found.Explore.Seed, slice.Number) };
        return Result(_cases.Run(found with { Explore = explore }, at => progress(at.Schedules), cancellation), slice, tokens: true);
    }

    private async Task<SliceResult> ReplayAsync(ScenarioCase found, ScenarioToken token, string name, CancellationToken cancellation)
    {
        var runner = new ClusterCaseRunner(cluster, _cases, clock) { Name = name };
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
            ends);
    }

    /// <summary>Slice 0 has the run's own seed, so that a run of one slice is what one process would do.</summary>
    private static ulong SeedOf(ulong seed, int slice) => slice == 0 ? seed : StateHash.Of(seed, (ulong)slice).Low;

    private static string TextOf(StateHash hash) => $"{hash.High:x16}{hash.Low:x16}";

    private static SliceResult Result(CaseResult result, RunSlice slice, bool tokens) => new(
        result.Seen.Schedules,
        result.Seen.Abandoned,
        result.Seen.Steps,
        result.Seen.Coverage,
        [.. result.Seen.All.Select(seen => FindingOf(result.Case, seen, slice.First, tokens))]);

    private static SliceFinding FindingOf(ScenarioCase found, ObservedFinding seen, long first, bool tokens)
    {
        var finding = seen.Finding;
        return new SliceFinding(
            finding.Kind, finding.Function, finding.ObjectType, finding.Field, finding.Other, finding.Message,
            seen.Count, first + seen.FirstSchedule, seen.InEverySchedule, tokens ? ScenarioToken.Of(found, seen.Schedules).ToString() : null);
    }
}
