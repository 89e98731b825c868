using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Tests.Support;
using Xunit.Abstractions;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>
/// Free concurrency finds what the shipped scenarios expect, within a stated number of boots, together and scattered: one of
/// the findings here; the verb <c>find</c> of the cluster's benchmarks waits for each of them.
/// </summary>
public abstract class FreeStoriesTests(LocalCluster cluster, ITestOutputHelper output)
{
    [Theory]
    [InlineData("s21-fwspec-race/bug", 1_000)]
    [InlineData("s05-rk3288-vop-ebusy/bug", 1)]
    [InlineData("s07-sc8180x-ufs-dma-ops/bug", 3_000)]
    public async Task Boot_OfBugProfile_ShowsWhatIsExpected(string story, int bound)
    {
        var scenarioCase = Stories.Case(story);
        var workload = Stories.Boot(scenarioCase);
        foreach (var scatter in new[] { false, true })
        {
            var (isSeen, boots) = (false, 0);
            for (; !isSeen && boots < bound; boots++)
            {
                var boot = await cluster.Runner.BootAsync(workload, cluster.NextName(), new BootOptions { Scatter = scatter });
                isSeen = scenarioCase.Expected.Any(expectation => boot.Findings.Any(expectation.Matcher.Matches));
            }

            output.WriteLine($"{story}, scattered {scatter}: {boots} boots");
            Assert.True(isSeen);
        }
    }

    [Theory]
    [InlineData("s21-fwspec-race/fix")]
    [InlineData("s05-rk3288-vop-ebusy/fix")]
    [InlineData("s07-sc8180x-ufs-dma-ops/fix")]
    public async Task Boot_OfFixProfile_ShowsNothingNew(string story)
    {
        var scenarioCase = Stories.Case(story);
        var workload = Stories.Boot(scenarioCase);
        for (var number = 0; number < 20; number++)
        {
            var boot = await cluster.Runner.BootAsync(workload, cluster.NextName(), new BootOptions { Scatter = number % 2 == 1 });

            Assert.DoesNotContain(boot.Findings, finding => !scenarioCase.Known.Any(known => known.Matches(finding)));
        }
    }
}

[Collection(ClusterGroup.Name)]
public sealed class FreeStoriesOnOneSiloTests(LocalCluster cluster, ITestOutputHelper output) : FreeStoriesTests(cluster, output);

[Collection(ThreeSilosGroup.Name)]
public sealed class FreeStoriesOnThreeSilosTests(ThreeSilos cluster, ITestOutputHelper output) : FreeStoriesTests(cluster, output);
