using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

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

    /// <summary>Whoever waits for a boot takes it for stuck when the sum does not grow.</summary>
    [Fact]
    public async Task Status_OfThreadsOnSeveralCpus_CountsTheStepsOfAll()
    {
        const int Threads = 3;
        var name = cluster.NextName();
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiting = Enumerable.Range(0, Threads).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToList();
        Func<KernelThread, Flow> Store(int number) => async t =>
        {
            await t.Store(Box.At(number).X, 1UL);
            waiting[number].SetResult();
            await goOn.Task;
        };

        var boot = cluster.Runner.BootAsync(Programs.Of([.. Enumerable.Range(0, Threads).Select(Store)]), name);
        await Task.WhenAll(waiting.Select(each => each.Task));
        var status = await cluster.Grains.Soc(name).StatusAsync();
        goOn.SetResult();

        Assert.Equal((await boot).Steps, status.Steps);
    }
}
