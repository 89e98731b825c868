using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>Random schedules of S21, S05 and S07, in the deterministic runtime and replayed on 1 and 3 silos: state, end, findings, races and steps must agree.</summary>
internal static class AgreeBenchmark
{
    private static readonly (string Scenario, string Case)[] s_stories =
        [("s21-fwspec-race", "bug"), ("s05-rk3288-vop-ebusy", "bug"), ("s07-sc8180x-ufs-dma-ops", "bug")];

    public static async Task<int> RunAsync(int schedules)
    {
        Console.WriteLine($"{schedules} random schedules of each, every second one scattered over the silos");
        Console.WriteLine($"{"",-34}{"silos",6}{"agree",8}{"differ",8}  ends");
        var differ = 0;
        foreach (var silos in new short[] { 1, 3 })
        {
            await using var cluster = await Cluster.StartAsync(silos);
            foreach (var (scenario, name) in s_stories)
            {
                differ += await CompareAsync(cluster, silos, scenario, name, schedules);
            }
        }

        return differ == 0 ? 0 : 1;
    }

    private static async Task<int> CompareAsync(Cluster cluster, int silos, string scenario, string name, int schedules)
    {
        var scenarioCase = Cluster.Case(scenario, name);
        var runtime = new DeterministicRuntime(Cluster.Boot(scenarioCase), new RuntimeOptions { WholeTrace = true });
        var workload = Cluster.Boot(scenarioCase);
        var strategy = new RandomWalk(2026);
        var ends = new List<ScheduleEnd>();
        var agree = 0;
        for (var number = 0; number < schedules; number++)
        {
            runtime.Lockdep!.Forget();
            strategy.BeginSchedule(number);
            ends.Add(runtime.Run(strategy, number));
            var boot = await cluster.Runner.ReplayAsync(workload, cluster.NextName(), [runtime.ToSchedule()], new BootOptions { Scatter = number % 2 == 1 });
            agree += IsSame(runtime, ends[^1], boot) ? 1 : 0;
        }

        Console.WriteLine($"{scenario + "/" + name,-34}{silos,6}{agree,8}{schedules - agree,8}  {string.Join(", ", ends.CountBy(end => end).Select(pair => $"{pair.Value} {pair.Key}"))}");
        return schedules - agree;
    }

    private static bool IsSame(DeterministicRuntime runtime, ScheduleEnd end, ClusterBoot boot) =>
        end == boot.End
        && runtime.Trace.Count == boot.Steps
        && runtime.Bank.Fingerprint() == boot.Fingerprint
        && Ids(runtime.BootSightings.Concat(runtime.Sightings).Select(sighting => sighting.Finding)).SequenceEqual(Ids(boot.Findings.Concat(boot.Races)));

    private static IEnumerable<string> Ids(IEnumerable<Finding> findings) => findings.Select(finding => finding.Id).Distinct().Order(StringComparer.Ordinal);
}
