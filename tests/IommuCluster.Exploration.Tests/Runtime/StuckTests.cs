using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runtime;

/// <summary>Deadlocks, hangs and endless loops.</summary>
public sealed class StuckTests
{
    private static readonly Box s_box = Box.At(0);
    private static readonly Box s_other = Box.At(1);

    [Fact]
    public void Deadlock_OfTwoMutexes_IsFoundInTheSchedulesThatHaveIt()
    {
        var explored = Explore.All(t => Nested(t, s_box.A, s_box.B), t => Nested(t, s_box.B, s_box.A));
        var finding = explored.Single(FindingKind.Deadlock);

        Assert.Equal([ScheduleEnd.Completed, ScheduleEnd.Stuck], explored.Ends);
        Assert.StartsWith("deadlock: ", finding.Message, StringComparison.Ordinal);
        Assert.True(explored.Saw(FindingKind.LockOrder));
    }

    [Fact]
    public void Deadlock_OfNestedMutexesInOneOrder_IsNone()
    {
        var explored = Explore.All(t => Nested(t, s_box.A, s_box.B), t => Nested(t, s_box.A, s_box.B), t => Nested(t, s_box.B, s_box.C));

        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
        Assert.Empty(explored.Findings);
    }

    [Fact]
    public void Deadlock_OfDeviceMutexes_IsLabelled()
    {
        var explored = Explore.All(t => Nested(t, s_box.DeviceMutex, s_other.DeviceMutex), t => Nested(t, s_other.DeviceMutex, s_box.DeviceMutex));

        Assert.Contains("would hang, lockdep silent", explored.Single(FindingKind.Deadlock).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deadlock_WithItself_IsFound()
    {
        var finding = Explore.All(t => Nested(t, s_box.A, s_box.A)).Single(FindingKind.Deadlock);

        Assert.StartsWith("self-deadlock", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deadlock_ThroughTheSecondReader_IsFound()
    {
        // T2 holds a and waits for the readers T0 and T1. T0 waits for nobody's lock, T1 waits for a.
        var circle = new DeterministicRuntime(Programs.Of(
            async t =>
            {
                await t.DownRead(s_box.Sem);
                await t.WaitFor(s_other.Done);
            },
            async t =>
            {
                await t.DownRead(s_box.Sem);
                await t.Complete(s_box.Done);
                await t.WaitFor(Box.At(2).Done);
                await t.Lock(s_box.A);
            },
            async t =>
            {
                await t.Lock(s_box.A);
                await t.WaitFor(s_box.Done);
                await t.Complete(Box.At(2).Done);
                await t.DownWrite(s_box.Sem);
            }));
        Assert.Equal(ScheduleEnd.Stuck, circle.Run(new InTurn(), 0));
        Assert.Single(circle.Sightings, sighting => sighting.Finding.Kind == FindingKind.Deadlock);
    }

    [Fact]
    public void Deadlock_OfSpawnedThreads_IsOneFindingWhoeverCameFirst()
    {
        var one = new ThreadStart("one", async t =>
        {
            using (t.Call("one"))
            {
                await Nested(t, s_box.A, s_box.B);
            }
        });
        var two = new ThreadStart("two", async t =>
        {
            using (t.Call("two"))
            {
                await Nested(t, s_box.B, s_box.A);
            }
        });
        var explored = Explore.All(async t => await t.Spawn(one), async t => await t.Spawn(two));

        Assert.True(explored.Saw(FindingKind.Deadlock));
        explored.Single(FindingKind.Deadlock);
    }

    [Fact]
    public void Hang_OnACompletionThatNobodySignals_IsFound()
    {
        var finding = Explore.All(async t => await t.WaitFor(s_box.Done)).Single(FindingKind.Hang);

        Assert.Equal(("box", "&box->done"), (finding.ObjectType, finding.Field));
    }

    [Fact]
    public void NoProgress_OfAnEndlessLoop_StopsAtTheBound()
    {
        var runtime = new DeterministicRuntime(
            Programs.Of(async t =>
            {
                while (await t.ReadOnce(s_box.X) == 0)
                {
                }
            }),
            new RuntimeOptions { MaxSteps = 100 });

        Assert.Equal(ScheduleEnd.StepBound, runtime.Run(new InTurn(), 0));
        Assert.Equal(100, runtime.Trace.Count);
        Assert.Equal(FindingKind.NoProgress, Assert.Single(runtime.Sightings).Finding.Kind);
    }

    [Fact]
    public void RefCount_TakenFromZeroOrDroppedBelow_IsReported()
    {
        var taken = Explore.All(async t => await t.RefcountInc(s_box.Count));
        var dropped = Explore.All(async t => await t.RefcountDecAndTest(s_box.Count));
        var right = Explore.All(async t =>
        {
            await t.Store(s_box.Count, 1L);
            await t.RefcountInc(s_box.Count);
            t.WarnOn(await t.RefcountDecAndTest(s_box.Count), "not the last one");
            t.WarnOn(!await t.RefcountDecAndTest(s_box.Count), "the last one");
        });

        Assert.True(taken.Saw(FindingKind.RefCount));
        Assert.True(dropped.Saw(FindingKind.RefCount));
        Assert.Empty(right.Findings);
    }

    private static async Flow Nested(KernelThread t, Mutex outer, Mutex inner)
    {
        await t.Lock(outer);
        await t.Lock(inner);
        await t.Unlock(inner);
        await t.Unlock(outer);
    }
}
