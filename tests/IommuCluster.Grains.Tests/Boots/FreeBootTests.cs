using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Tests.Support;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>Boots in which nothing decides but the concurrency of the cluster.</summary>
[Collection(ClusterGroup.Name)]
public sealed class FreeBootTests(LocalCluster cluster)
{
    [Theory]
    [InlineData("linux-6.6")]
    [InlineData("linux-6.8")]
    public async Task Boot_BuiltInAndSynchronous_IsClean(string profile)
    {
        var inProcess = new DeterministicRuntime(S21.Synchronous(profile));
        inProcess.Run(new RandomWalk(2023), 0);

        var seen = await cluster.Runner.BootAsync(S21.Synchronous(profile), cluster.NextName());

        Assert.Equal(ScheduleEnd.Completed, seen.End);
        Assert.Empty(seen.Findings);
        Assert.Equal(inProcess.Workload.Machine!.Profile.Asked, seen.Switches);
    }
}
