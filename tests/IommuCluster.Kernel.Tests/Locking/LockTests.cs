using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Locking;

/// <summary>What locks let in and shut out, in every interleaving of small programs.</summary>
public sealed class LockTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public void Mutex_TwoCriticalSections_NeverOverlap() => AssertNeverOverlap(
        async t => await t.Lock(s_box.A),
        async t => await t.Unlock(s_box.A));

    [Fact]
    public void SpinLock_TwoCriticalSections_NeverOverlap() => AssertNeverOverlap(
        async t => await t.Lock(s_box.Spin),
        async t => await t.Unlock(s_box.Spin));

    [Fact]
    public void RwSem_TwoWriters_NeverOverlap() => AssertNeverOverlap(
        async t => await t.DownWrite(s_box.Sem),
        async t => await t.UpWrite(s_box.Sem));

    [Fact]
    public void NoLock_TwoSections_Overlap()
    {
        var explored = Explore.All(Section, Section);

        Assert.True(explored.Saw(FindingKind.Warning), explored.ToString());
    }

    [Fact]
    public void RwSem_WriterAndReaders_NeverOverlap()
    {
        static async Flow Read(KernelThread t)
        {
            await t.DownRead(s_box.Sem);
            t.WarnOn(await t.Load(s_box.X) != await t.Load(s_box.Y), "half a write was seen");
            await t.UpRead(s_box.Sem);
        }

        var explored = Explore.All(
            Read,
            Read,
            async t =>
            {
                await t.DownWrite(s_box.Sem);
                await t.Store(s_box.X, 1UL);
                await t.Store(s_box.Y, 1UL);
                await t.UpWrite(s_box.Sem);
            });

        Assert.Empty(explored.Findings);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
    }

    [Fact]
    public void RwSem_TwoReaders_AreInTogether()
    {
        static async Flow Read(KernelThread t)
        {
            await t.DownRead(s_box.Sem);
            await t.AtomicAdd(s_box.Count, 1);
            t.WarnOn(await t.AtomicAdd(s_box.Count, 0) == 2, "both are in");
            await t.AtomicAdd(s_box.Count, -1);
            await t.UpRead(s_box.Sem);
        }

        Assert.True(Explore.All(Read, Read).Saw(FindingKind.Warning));
    }

    [Fact]
    public void TryLock_OfHeldMutex_AnswersFalseAndNeverWaits()
    {
        var explored = Explore.All(
            async t =>
            {
                await t.Lock(s_box.A);
                await t.Store(s_box.X, 1UL);
                await t.Unlock(s_box.A);
            },
            async t =>
            {
                if (await t.TryLock(s_box.A))
                {
                    await t.Store(s_box.X, 2UL);
                    await t.Unlock(s_box.A);
                }
                else
                {
                    t.WarnOn(true, "was held");
                }
            });

        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
        Assert.True(explored.Saw(FindingKind.Warning));
        Assert.Empty(explored.Races);
    }

    [Fact]
    public void Completion_Waiter_SeesWhatWasDoneBefore()
    {
        var explored = Explore.All(
            async t =>
            {
                await t.WaitFor(s_box.Done);
                t.WarnOn(await t.Load(s_box.X) != 1, "the work is not done");
            },
            async t =>
            {
                await t.Store(s_box.X, 1UL);
                await t.Complete(s_box.Done);
            });

        Assert.Empty(explored.Findings);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
    }

    [Fact]
    public void Completion_OneSignalTwoWaiters_LetsOneThrough()
    {
        static async Flow Wait(KernelThread t) => await t.WaitFor(s_box.Done);
        var one = Explore.All(Wait, Wait, async t => await t.Complete(s_box.Done));
        var two = Explore.All(
            Wait,
            Wait,
            async t =>
            {
                await t.Complete(s_box.Done);
                await t.Complete(s_box.Done);
            });

        Assert.Equal([ScheduleEnd.Stuck], one.Ends);
        Assert.True(one.Saw(FindingKind.Hang));
        Assert.Equal([ScheduleEnd.Completed], two.Ends);
    }

    [Fact]
    public void WaitQueue_TicketBeforeTheCondition_LosesNoWakeUp()
    {
        var explored = Explore.All(
            async t =>
            {
                for (var ticket = await t.PrepareToWait(s_box.Queue); await t.ReadOnce(s_box.X) == 0; ticket = await t.PrepareToWait(s_box.Queue))
                {
                    await t.WaitEvent(s_box.Queue, ticket);
                }
            },
            Signal);

        Assert.Empty(explored.Findings);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
    }

    [Fact]
    public void WaitQueue_TicketAfterTheCondition_LosesTheWakeUp()
    {
        var explored = Explore.All(
            async t =>
            {
                if (await t.ReadOnce(s_box.X) == 0)
                {
                    await t.WaitEvent(s_box.Queue, await t.PrepareToWait(s_box.Queue));
                }
            },
            Signal);

        Assert.True(explored.Saw(FindingKind.Hang), explored.ToString());
        Assert.Equal([ScheduleEnd.Completed, ScheduleEnd.Stuck], explored.Ends);
    }

    [Fact]
    public void WakeUp_WakesAllWaiters()
    {
        static async Flow Wait(KernelThread t) => await t.WaitEvent(s_box.Queue, 0);

        Assert.Equal([ScheduleEnd.Completed], Explore.All(Wait, Wait, async t => await t.WakeUp(s_box.Queue)).Ends);
    }

    [Fact]
    public void SynchronizeRcu_WaitsForReaders()
    {
        var explored = Explore.All(RcuReader, t => Retire(t, synchronize: true));

        Assert.Empty(explored.Consequences);
        Assert.Empty(explored.Races);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
    }

    [Fact]
    public void FreeWithoutSynchronizeRcu_IsUseAfterFree() =>
        Assert.True(Explore.All(RcuReader, t => Retire(t, synchronize: false)).Saw(FindingKind.UseAfterFree));

    private static void AssertNeverOverlap(Func<KernelThread, Flow> enter, Func<KernelThread, Flow> leave)
    {
        async Flow Body(KernelThread t)
        {
            await enter(t);
            await Section(t);
            await leave(t);
        }

        var explored = Explore.All(Body, Body);
        Assert.Empty(explored.Findings);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
        Assert.True(explored.Schedules > 1);
    }

    private static async Flow Section(KernelThread t)
    {
        await t.Store(s_box.X, (ulong)t.Id);
        t.WarnOn(await t.Load(s_box.X) != (ulong)t.Id, "another thread is in");
    }

    private static async Flow Signal(KernelThread t)
    {
        await t.WriteOnce(s_box.X, 1UL);
        await t.WakeUp(s_box.Queue);
    }

    private static async Flow RcuReader(KernelThread t)
    {
        await t.RcuReadLock();
        var box = await t.Load(s_box.Next, Marking.Ordered);
        if (!box.IsNull)
        {
            await t.Load(box.X);
        }

        await t.RcuReadUnlock();
    }

    private static async Flow Retire(KernelThread t, bool synchronize)
    {
        var made = await t.Allocate<Box>(Home.Soc);
        await t.Store(s_box.Next, made, Marking.Ordered);
        await t.Store(s_box.Next, default, Marking.Ordered);
        if (synchronize)
        {
            await t.SynchronizeRcu();
        }

        await t.Free(made);
    }
}
