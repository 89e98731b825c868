using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Tests.Support;

/// <summary>Runs a schedule on both runtimes.</summary>
internal static class TwoRuntimes
{
    /// <summary>
    /// Runs a schedule of a strategy in this process and replays it on the cluster, with the same workload made anew. The
    /// runtime is made with the whole trace, so that its steps are those of the cluster.
    /// </summary>
    internal static async Task<ScheduleEnd> AssertSameAsync(LocalCluster cluster, DeterministicRuntime runtime, Workload workload, IStrategy strategy, int number, bool scatter = false)
    {
        runtime.Lockdep!.Forget(); // Each schedule by itself: the cluster's graph begins empty.
        strategy.BeginSchedule(number);
        var end = runtime.Run(strategy, number);

        var replayed = await cluster.Runner.ReplayAsync(workload, cluster.NextName(), [runtime.ToSchedule()], new BootOptions { Scatter = scatter });

        Assert.Equal(end, replayed.End);
        Assert.Equal(Seen(runtime, races: false), replayed.Findings.Select(finding => finding.Id).Order(StringComparer.Ordinal));
        Assert.Equal(Seen(runtime, races: true), replayed.Races.Select(finding => finding.Id).Order(StringComparer.Ordinal));
        Assert.Equal(runtime.Trace.Count, replayed.Steps);
        Assert.Equal(runtime.Bank.Fingerprint(), replayed.Fingerprint);
        return end;
    }

    private static IEnumerable<string> Seen(DeterministicRuntime runtime, bool races) =>
        runtime.BootSightings.Concat(runtime.Sightings).Select(sighting => sighting.Finding).Where(finding => finding.IsRace == races)
            .Select(finding => finding.Id).Distinct().Order(StringComparer.Ordinal);
}
