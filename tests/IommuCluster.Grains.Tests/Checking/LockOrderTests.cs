using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Checking;

/// <summary>Lock orders that contradict each other, made by threads that never met.</summary>
[Collection(ThreeSilosGroup.Name)]
public sealed class LockOrderTests(ThreeSilos cluster)
{
    private static readonly Box s_box = Box.At(0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Boots_OfTwoSocs_WithOneGraph_FindTheInversion(bool scatter)
    {
        var options = new BootOptions { Scatter = scatter, LockGraph = cluster.NextName() };

        Assert.Empty((await cluster.Runner.BootAsync(Programs.Of(AThenB), cluster.NextName(), options)).Findings);
        var second = await cluster.Runner.BootAsync(Programs.Of(BThenA), cluster.NextName(), options);

        Assert.Equal(FindingKind.LockOrder, Assert.Single(second.Findings).Kind);
        Assert.Equal(ScheduleEnd.Completed, second.End);
        await cluster.Runner.ForgetAsync(options.LockGraph);
    }

    [Fact]
    public async Task Boots_OfTwoSocs_WithGraphsOfTheirOwn_AreClean()
    {
        Assert.Empty((await cluster.Runner.BootAsync(Programs.Of(AThenB), cluster.NextName())).Findings);
        Assert.Empty((await cluster.Runner.BootAsync(Programs.Of(BThenA), cluster.NextName())).Findings);
    }

    /// <summary>On CPUs of different silos, each of which saw one half of the circle; one after the other, so that they cannot hang.</summary>
    [Fact]
    public async Task Boot_ThreadsOnDifferentSilos_FindTheInversion()
    {
        var program = Programs.Of(
            async t =>
            {
                await AThenB(t);
                await t.Complete(s_box.Done);
            },
            async t =>
            {
                await t.WaitFor(s_box.Done);
                await BThenA(t);
            });
        for (var boot = 0; boot < 10; boot++)
        {
            var seen = await cluster.Runner.BootAsync(program, cluster.NextName(), new BootOptions { Scatter = true });

            Assert.Equal(FindingKind.LockOrder, Assert.Single(seen.Findings).Kind);
        }
    }

    private static async Flow AThenB(KernelThread t)
    {
        await t.Lock(s_box.A);
        await t.Lock(s_box.B);
        await t.Unlock(s_box.B);
        await t.Unlock(s_box.A);
    }

    private static async Flow BThenA(KernelThread t)
    {
        await t.Lock(s_box.B);
        await t.Lock(s_box.A);
        await t.Unlock(s_box.A);
        await t.Unlock(s_box.B);
    }
}
