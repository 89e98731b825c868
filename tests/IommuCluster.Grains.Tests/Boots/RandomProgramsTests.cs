using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>Small random programs, the verbs of threads all in them, on both runtimes.</summary>
[Collection(ClusterGroup.Name)]
public sealed class RandomProgramsTests(LocalCluster cluster)
{
    [Fact]
    public async Task Replay_OfRandomSchedule_EndsInSameState()
    {
        for (var seed = 0UL; seed < 100; seed++)
        {
            var runtime = new DeterministicRuntime(RandomPrograms.Of(seed), new RuntimeOptions { WholeTrace = true });
            for (var number = 0; number < 3; number++)
            {
                await TwoRuntimes.AssertSameAsync(cluster, runtime, RandomPrograms.Of(seed), new RandomWalk(seed), number);
            }
        }
    }

    /// <summary>What free concurrency does is one of the interleavings that the model has.</summary>
    [Fact]
    public async Task Boot_Free_EndsAsSomeInterleavingDoes()
    {
        for (var seed = 0UL; seed < 30; seed++)
        {
            var program = RandomPrograms.Of(seed);
            var explored = Explore.All(program);
            for (var boot = 0; boot < 5; boot++)
            {
                var seen = await cluster.Runner.BootAsync(program, cluster.NextName());

                Assert.Subset(explored.Findings.Keys.ToHashSet(), seen.Findings.Select(finding => finding.Id).ToHashSet());
                Assert.Contains(seen.End, explored.Ends);
                Assert.True(seen.End == ScheduleEnd.Oopsed || explored.FinalStates.Contains((seen.End, seen.Fingerprint)), $"{program.Name}: a state that no interleaving ends in.");
            }
        }
    }
}
