using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Tests.Support;
using Xunit.Abstractions;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>
/// Random schedules of shipped scenarios end alike in the deterministic runtime and on grains: state, findings, steps.
/// A few of each here; the verb <c>agree</c> of the cluster's benchmarks replays 200 of each.
/// </summary>
public abstract class AgreementTests(LocalCluster cluster, ITestOutputHelper output)
{
    private const int Schedules = 8;

    [Theory]
    [InlineData("s21-fwspec-race/bug")]
    [InlineData("s21-fwspec-race/fix")]
    [InlineData("s05-rk3288-vop-ebusy/bug")]
    [InlineData("s05-rk3288-vop-ebusy/fix")]
    [InlineData("s07-sc8180x-ufs-dma-ops/bug")]
    [InlineData("s07-sc8180x-ufs-dma-ops/fix")]
    public async Task Replay_OfRandomSchedules_EndsAsInOneProcess(string story)
    {
        var scenarioCase = Stories.Case(story);
        var runtime = new DeterministicRuntime(Stories.Boot(scenarioCase), new RuntimeOptions { WholeTrace = true });
        var ends = new List<ScheduleEnd>();
        for (var number = 0; number < Schedules; number++)
        {
            var scatter = number % 2 == 1;
            ends.Add(await TwoRuntimes.AssertSameAsync(cluster, runtime, Stories.Boot(scenarioCase), new RandomWalk(2026), number, scatter));
        }

        output.WriteLine(string.Join(", ", ends.CountBy(end => end).Select(pair => $"{pair.Key}: {pair.Value}")));
    }
}

[Collection(ClusterGroup.Name)]
public sealed class AgreementOnOneSiloTests(LocalCluster cluster, ITestOutputHelper output) : AgreementTests(cluster, output);

[Collection(ThreeSilosGroup.Name)]
public sealed class AgreementOnThreeSilosTests(ThreeSilos cluster, ITestOutputHelper output) : AgreementTests(cluster, output);
