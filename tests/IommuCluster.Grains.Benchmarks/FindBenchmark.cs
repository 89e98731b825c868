using IommuCluster.Grains.Boots;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>How many boots free concurrency needs for each finding that a scenario expects.</summary>
internal static class FindBenchmark
{
    private const int Rounds = 7;
    private const int Bound = 5_000;

    private static readonly (string Scenario, string Case)[] s_stories =
        [("s21-fwspec-race", "bug"), ("s05-rk3288-vop-ebusy", "bug"), ("s07-sc8180x-ufs-dma-ops", "bug")];

    public static async Task<int> RunAsync()
    {
        Console.WriteLine($"boots until the first sighting, least, median and most of {Rounds} rounds; {Bound} means not seen");
        foreach (var silos in new short[] { 1, 3 })
        {
            await using var cluster = await Cluster.StartAsync(silos);
            foreach (var (scenario, name) in s_stories)
            {
                foreach (var scatter in new[] { false, true })
                {
                    await ShowAsync(cluster, silos, scenario, name, scatter);
                }
            }
        }

        return 0;
    }

    private static async Task ShowAsync(Cluster cluster, int silos, string scenario, string name, bool scatter)
    {
        var expected = Cluster.Case(scenario, name).Expected;
        var workload = Cluster.Boot(Cluster.Case(scenario, name));
        var counts = expected.Select(_ => new List<int>()).ToList();
        for (var round = 0; round < Rounds; round++)
        {
            var seen = new int[expected.Length];
            for (var boot = 1; boot <= Bound && seen.Contains(0); boot++)
            {
                var findings = (await cluster.Runner.BootAsync(workload, cluster.NextName(), new BootOptions { Scatter = scatter })).Findings;
                for (var i = 0; i < expected.Length; i++)
                {
                    seen[i] = seen[i] == 0 && findings.Any(expected[i].Matcher.Matches) ? boot : seen[i];
                }
            }

            for (var i = 0; i < expected.Length; i++)
            {
                counts[i].Add(seen[i] == 0 ? Bound : seen[i]);
            }
        }

        for (var i = 0; i < expected.Length; i++)
        {
            var sorted = counts[i].Order().ToList();
            Console.WriteLine($"{scenario,-26}{silos,2} silos {(scatter ? "scattered" : "together "),-10}{sorted[0],6}{sorted[sorted.Count / 2],6}{sorted[^1],6}  {expected[i]}");
        }
    }
}
