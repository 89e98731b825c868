using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Checking;

public sealed class LockdepTests
{
    private static readonly Box s_box = Box.At(0);
    private static readonly Box s_other = Box.At(1);

    [Fact]
    public void LockOrder_OneThreadTakesBothWays_IsFoundWithoutADeadlock()
    {
        var explored = Explore.All(async t =>
        {
            await Nested(t, s_box.A, s_box.B);
            await Nested(t, s_box.B, s_box.A);
        });

        var finding = explored.Single(FindingKind.LockOrder);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
        Assert.Equal(("&box->a", "&box->b"), (finding.ObjectType, finding.Other));
        Assert.DoesNotContain("lockdep silent", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LockOrder_AlwaysTheSame_IsSilent() =>
        Assert.Empty(Explore.All(t => Nested(t, s_box.A, s_box.B), t => Nested(t, s_box.A, s_box.B)).Findings);

    [Fact]
    public void LockOrder_ThroughAThirdLock_IsFound()
    {
        var runtime = new DeterministicRuntime(Programs.Of(
            t => Nested(t, s_box.A, s_box.B),
            t => Nested(t, s_box.B, s_box.C),
            t => Nested(t, s_box.C, s_box.A)));
        runtime.Run(new InTurn(), 0);

        Assert.Equal(FindingKind.LockOrder, Assert.Single(runtime.Sightings).Finding.Kind);
        Assert.Empty(runtime.Sightings[0].Witnesses);
    }

    [Fact]
    public void LockOrder_HalvesInTwoSchedules_IsFoundWithBothAsWitnesses()
    {
        // Who comes first decides the order in which the second thread takes its locks.
        var runtime = new DeterministicRuntime(Programs.Of(
            async t => await t.Store(s_box.X, 1UL),
            async t =>
            {
                var swapped = await t.Load(s_box.X) != 0;
                await Nested(t, swapped ? s_box.B : s_box.A, swapped ? s_box.A : s_box.B);
            }));

        runtime.Run(new InTurn(), 7);
        Assert.DoesNotContain(runtime.Sightings, sighting => sighting.Finding.Kind == FindingKind.LockOrder);
        Assert.True(runtime.Lockdep!.SawNewEdge);
        runtime.Run(new InTurn(backwards: true), 8);

        var sighting = Assert.Single(runtime.Sightings, sighting => sighting.Finding.Kind == FindingKind.LockOrder);
        Assert.Equal([7L, 8L], sighting.Witnesses.Order());
        runtime.Run(new InTurn(backwards: true), 9);
        Assert.False(runtime.Lockdep.SawNewEdge);
    }

    [Fact]
    public void LockOrder_AfterForgetting_IsFoundAgainByTheScheduleThatShowsIt()
    {
        var runtime = new DeterministicRuntime(Programs.Of(
            async t =>
            {
                await Nested(t, s_box.A, s_box.B);
                await Nested(t, s_box.B, s_box.A);
                await Nested(t, s_box.A, s_other.A);
            }));
        FindingKind[] Run(long number)
        {
            runtime.Run(new InTurn(), number);
            return [.. runtime.Sightings.Select(sighting => sighting.Finding.Kind)];
        }

        Assert.Equal([FindingKind.LockOrder, FindingKind.LockRecursion], Run(0));
        Assert.Empty(Run(1));
        runtime.Lockdep!.Forget();
        Assert.Equal([FindingKind.LockOrder, FindingKind.LockRecursion], Run(2));
    }

    [Fact]
    public void LockOrder_InAStageWithChoicesLater_IsSeenByTheFirstSchedule()
    {
        // Making the runtime probes for the first choice; what the probe saw must be seen again.
        var program = Programs.Of(async t =>
        {
            await Nested(t, s_box.A, s_box.B);
            await Nested(t, s_box.B, s_box.A);
            await t.Spawn(new ThreadStart("child", async c => await c.Load(s_box.X)));
            await t.Load(s_box.X);
        });
        var runtime = new DeterministicRuntime(program with { Stages = program.Stages.Add(new Stage("last", [])) });
        runtime.Run(new InTurn(), 0);

        Assert.Single(runtime.Sightings, sighting => sighting.Finding.Kind == FindingKind.LockOrder);
    }

    [Fact]
    public void Recursion_OfOneClassOnTwoInstances_IsFound() =>
        Assert.True(Explore.All(t => Nested(t, s_box.A, s_other.A)).Saw(FindingKind.LockRecursion));

    [Fact]
    public void Recursion_WithSubclass_IsSilent()
    {
        var explored = Explore.All(async t =>
        {
            await t.Lock(s_box.A);
            await t.Lock(s_other.A, subclass: 1);
            await t.Unlock(s_other.A);
            await t.Unlock(s_box.A);
        });

        Assert.Empty(explored.Findings);
    }

    [Fact]
    public void LockOrder_SubclassesBothWays_IsFound()
    {
        var explored = Explore.All(async t =>
        {
            await t.Lock(s_box.A);
            await Nested(t, s_other.A, 1);
            await t.Unlock(s_box.A);
            await t.Lock(s_other.A, subclass: 1);
            await Nested(t, s_box.A, 0);
            await t.Unlock(s_other.A);
        });

        Assert.Equal("&box->a/1", explored.Single(FindingKind.LockOrder).Other);
    }

    [Fact]
    public void NoValidate_ParentBeforeChild_IsLegal() =>
        Assert.Empty(Explore.All(t => Nested(t, s_box.DeviceMutex, s_other.DeviceMutex), t => Nested(t, s_box.DeviceMutex, s_other.DeviceMutex)).Findings);

    [Fact]
    public void NoValidate_BothWays_IsFoundAndLabelled()
    {
        var explored = Explore.All(async t =>
        {
            await Nested(t, s_box.DeviceMutex, s_other.DeviceMutex);
            await Nested(t, s_other.DeviceMutex, s_box.DeviceMutex);
        });

        Assert.Contains("would hang, lockdep silent", explored.Single(FindingKind.LockOrder).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoValidate_CycleThroughOtherInstance_IsSilent()
    {
        // dev0->mutex, a; then a, dev1->mutex: one class, but two instances that never meet.
        var explored = Explore.All(async t =>
        {
            await Nested(t, s_box.DeviceMutex, s_box.A);
            await Nested(t, s_box.A, s_other.DeviceMutex);
        });

        Assert.Empty(explored.Findings);
    }

    [Fact]
    public void TryLock_AgainstTheOrder_MakesNoEdge()
    {
        var explored = Explore.All(async t =>
        {
            await Nested(t, s_box.A, s_box.B);
            await t.Lock(s_box.B);
            if (await t.TryLock(s_box.A))
            {
                await t.Unlock(s_box.A);
            }

            await t.Unlock(s_box.B);
        });

        Assert.Empty(explored.Findings);
    }

    [Fact]
    public void TryLock_HeldWhenAnotherIsTaken_MakesAnEdge()
    {
        var explored = Explore.All(async t =>
        {
            await Nested(t, s_box.A, s_box.B);
            await t.TryLock(s_box.B);
            await t.Lock(s_box.A);
            await t.Unlock(s_box.A);
            await t.Unlock(s_box.B);
        });

        Assert.True(explored.Saw(FindingKind.LockOrder));
    }

    [Fact]
    public void LockOrder_ReleasedOutOfOrder_SeesWhatIsStillHeld()
    {
        var explored = Explore.All(async t =>
        {
            await t.Lock(s_box.A);
            await t.Lock(s_box.B);
            await t.Unlock(s_box.A);
            await t.Lock(s_box.C);
            await t.Unlock(s_box.B);
            await t.Lock(s_box.A);
            await t.Unlock(s_box.A);
            await t.Unlock(s_box.C);
        });

        // a -> b, b -> c, c -> a: the cycle exists although a was released before c was taken.
        Assert.True(explored.Saw(FindingKind.LockOrder));
    }

    [Fact]
    public void Edges_NameHeldAndAcquired()
    {
        var runtime = new DeterministicRuntime(Programs.Of(t => Nested(t, s_box.A, s_box.B)));
        runtime.Run(new InTurn(), 0);

        Assert.Equal([("&box->a", "&box->b")], runtime.Lockdep!.Edges.Select(edge => (edge.Held.Name, edge.Acquired.Name)));
    }

    [Fact]
    public void Sleep_UnderSpinLock_IsFound()
    {
        var explored = Explore.All(async t =>
        {
            await t.Lock(s_box.Spin);
            await t.Lock(s_box.A);
            await t.Unlock(s_box.A);
            await t.Unlock(s_box.Spin);
        });

        Assert.Equal("mutex_lock", explored.Single(FindingKind.SleepInAtomic).Field);
    }

    [Fact]
    public void Allocate_InRcuReadSection_IsFoundButAtomicAllocationIsSilent()
    {
        static Explored Run(bool atomic) => Explore.All(async t =>
        {
            await t.RcuReadLock();
            var box = atomic ? await t.AllocateAtomic<Box>(Home.Soc) : await t.Allocate<Box>(Home.Soc);
            await t.RcuReadUnlock();
            await t.Free(box);
        });

        Assert.Equal("kzalloc(GFP_KERNEL)", Run(atomic: false).Single(FindingKind.SleepInAtomic).Field);
        Assert.Empty(Run(atomic: true).Findings);
    }

    [Fact]
    public void Sleep_AfterTheSpinLock_IsSilent()
    {
        var explored = Explore.All(async t =>
        {
            await t.Lock(s_box.Spin);
            await t.TryLock(s_box.A);
            await t.Unlock(s_box.Spin);
            await t.Unlock(s_box.A);
            await t.Lock(s_box.A);
            await t.Unlock(s_box.A);
        });

        Assert.Empty(explored.Findings);
    }

    [Fact]
    public void AssertHeld_WithoutTheLock_IsFound()
    {
        static Explored Run(bool locked, bool byOther = false) => Explore.All(async t =>
        {
            if (locked)
            {
                await t.Lock(byOther ? s_other.A : s_box.A);
            }

            t.AssertHeld(s_box.A);
            if (locked)
            {
                await t.Unlock(byOther ? s_other.A : s_box.A);
            }
        });

        Assert.True(Run(locked: false).Saw(FindingKind.LockNotHeld));
        Assert.True(Run(locked: true, byOther: true).Saw(FindingKind.LockNotHeld));
        Assert.Empty(Run(locked: true).Findings);
    }

    [Fact]
    public void Unlock_ByAStranger_IsFound()
    {
        var explored = Explore.All(
            async t =>
            {
                await t.Lock(s_box.A);
                await t.Complete(s_box.Done);
            },
            async t =>
            {
                await t.WaitFor(s_box.Done);
                await t.Unlock(s_box.A);
            });

        Assert.True(explored.Saw(FindingKind.BadUnlock));
        Assert.True(explored.Saw(FindingKind.HeldAtExit));
    }

    [Fact]
    public void Exit_WithALockHeld_IsFound()
    {
        var finding = Explore.All(async t => await t.Lock(s_box.A)).Single(FindingKind.HeldAtExit);

        Assert.Equal(("box", "a"), (finding.ObjectType, finding.Field));
    }

    private static async Flow Nested(KernelThread t, Mutex outer, Mutex inner)
    {
        await t.Lock(outer);
        await t.Lock(inner);
        await t.Unlock(inner);
        await t.Unlock(outer);
    }

    private static async Flow Nested(KernelThread t, Mutex inner, byte subclass)
    {
        await t.Lock(inner, subclass);
        await t.Unlock(inner);
    }
}
