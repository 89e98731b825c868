using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Memory;

/// <summary>A lock of a grain: granted, queued, and the grant as a message of its own.</summary>
[Collection(ClusterGroup.Name)]
public sealed class LockMessagesTests(LocalCluster cluster)
{
    [Fact]
    public async Task Lock_Held_AnswersQueuedAtOnceAndPassesOnWithUnlock()
    {
        var device = cluster.Grains.Owner(await cluster.BeginIdleAsync(), new Home(HomeKind.Device, 0));
        await device.StepAsync(Steps.Allocate());

        Assert.False((await device.StepAsync(Steps.On(Steps.Mutex, StepKind.Lock, thread: 2, sequence: 1))).IsQueued);
        Assert.True((await device.StepAsync(Steps.On(Steps.Mutex, StepKind.Lock, thread: 3, sequence: 1))).IsQueued);
        Assert.Equal(3, Assert.Single((await device.StepAsync(Steps.On(Steps.Mutex, StepKind.Unlock, thread: 2, sequence: 2))).LetIn).Thread);
        Assert.Equal(3UL + 1, await device.PeekAsync(Steps.Box.Plus(Steps.Mutex.Word).Value));
    }

    [Fact]
    public async Task Step_SentTwice_IsTakenOnce()
    {
        var device = cluster.Grains.Owner(await cluster.BeginIdleAsync(), new Home(HomeKind.Device, 0));
        await device.StepAsync(Steps.Allocate());
        var add = Steps.On(Steps.X, StepKind.Add, thread: 2, sequence: 1, value: 5);

        Assert.Equal(await device.StepAsync(add), await device.StepAsync(add));
        Assert.Equal(5UL, await device.PeekAsync(Steps.Box.Plus(Steps.X.Word).Value));
    }

    [Fact]
    public async Task Boot_TwoThreadsThroughOneMutex_BothGetIt()
    {
        var box = Box.At(0);
        async Flow Count(KernelThread t)
        {
            for (var i = 0; i < 50; i++)
            {
                await t.Lock(box.A);
                await t.Store(box.X, await t.Load(box.X) + 1);
                await t.Unlock(box.A);
            }

            t.WarnOn(await t.AtomicAdd(box.Count, 1) == 2 && await t.Load(box.X) != 100, "an increment was lost");
        }

        var boot = await cluster.Runner.BootAsync(Programs.Of(Count, Count), cluster.NextName());

        Assert.Equal(Exploration.Runtime.ScheduleEnd.Completed, boot.End);
        Assert.Empty(boot.Findings);
    }
}
