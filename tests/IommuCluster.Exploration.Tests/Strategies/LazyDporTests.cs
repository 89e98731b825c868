using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class LazyDporTests
{
    [Fact]
    public void LazyDpor_OfFixedS_NeedsThreeExecutions()
    {
        // One device: its three sections all conflict.
        Assert.Equal(3, ExecutionsOf(Yardstick.S(true)));
    }

    [Theory]
    [InlineData(2, 100)]
    [InlineData(3, 200)]
    public void LazyDpor_OfFixedM_OrdersSectionsOfOneDeviceOnly(int devices, int classes)
    {
        // A device behind A takes four sections, the first of A before the second: 4! / 2! orders, but in two pairs of them
        // the last two only read that the device has a group. One that no A binds takes the two of B.
        Assert.Equal(classes, ExecutionsOf(Yardstick.FixedM(devices)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    public void LazyDpor_OfRandomPrograms_ReachesWhatBruteForceReaches(int from)
    {
        Assert.InRange(Enumerable.Range(from, 100).Count(seed => IsAsBruteForce(RandomPrograms.Of((ulong)seed))), 70, 100);
        Assert.InRange(Enumerable.Range(from, 100).Count(seed => IsAsBruteForce(RandomPrograms.Wide((ulong)seed))), 35, 100);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    [InlineData(300)]
    public void LazyDpor_OfProgramsOfCriticalSections_ReachesWhatBruteForceReaches(int from) =>
        Assert.InRange(Enumerable.Range(from, 100).Count(seed => IsAsBruteForce(RandomPrograms.Locked((ulong)seed))), 60, 100);

    [Fact]
    public void LazyDpor_SectionsOfOneLockThatShareNothing_NeedOneExecution()
    {
        var box = Box.At(0);
        Func<KernelThread, Flow> Section(Field<ulong> word) => async t =>
        {
            await t.Lock(box.A);
            await t.Store(word, await t.Load(word) + 1);
            await t.Unlock(box.A);
        };

        Assert.Equal(1, ExecutionsOf(Programs.Of(Section(box.X), Section(box.Y))));
        Assert.Equal(2, ExecutionsOf(Programs.Of(Section(box.X), Section(box.X))));
    }

    [Fact]
    public void LazyDpor_LocksInContradictingOrders_FindsTheDeadlock()
    {
        var box = Box.At(0);
        Func<KernelThread, Flow> Both(bool isAFirst) => async t =>
        {
            await t.Lock(isAFirst ? box.A : box.B);
            await t.Lock(isAFirst ? box.B : box.A);
            await t.Unlock(box.A);
            await t.Unlock(box.B);
        };
        var program = Programs.Of(Both(isAFirst: true), Both(isAFirst: false));

        Assert.True(IsAsBruteForce(program));
        Assert.True(Explore.With(new SourceDpor(isLazy: true), program).Saw(FindingKind.Deadlock));
        Assert.True(Explore.With(new SourceDpor(isLazy: true), program).Saw(FindingKind.LockOrder));
    }

    [Fact]
    public void LazyDpor_TryLockWhileAnotherHolds_IsSeenToFail()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                await t.Lock(box.A);
                await t.Store(box.X, 1UL);
                await t.Unlock(box.A);
            },
            async t => t.WarnOn(!await t.TryLock(box.A), "taken"));

        Assert.True(IsAsBruteForce(program));
        Assert.True(Explore.With(new SourceDpor(isLazy: true), program).Saw(FindingKind.Warning));
    }

    [Fact]
    public void LazyDpor_LockInAnObjectThatIsFreed_IsTakenBeforeAndAfter()
    {
        var program = Programs.Of(
            async t => await t.Free(Box.At(0)),
            async t =>
            {
                await t.Lock(Box.At(0).A);
                await t.Unlock(Box.At(0).A);
            });

        Assert.True(IsAsBruteForce(program));
        Assert.True(Explore.With(new SourceDpor(isLazy: true), program).Saw(FindingKind.UseAfterFree));
    }

    [Fact]
    public void LazyDpor_ThreadThatEndsWithItsLock_LeavesTheOthersStuck()
    {
        static async Flow Section(KernelThread t, bool unlocks)
        {
            await t.Lock(Box.At(0).A);
            await t.Store(Box.At(0).X, (ulong)t.Id);
            await (unlocks ? t.Unlock(Box.At(0).A) : t.Store(Box.At(0).Y, 1UL));
        }

        Assert.True(IsAsBruteForce(Programs.Of(t => Section(t, unlocks: true), t => Section(t, unlocks: false))));
    }

    private static long ExecutionsOf(Workload program)
    {
        var search = new SourceDpor(isLazy: true);
        Explore.With(search, program);
        Assert.True(search.IsExhausted);
        Assert.Equal(0, search.SleepBlocked);
        return search.Executions;
    }

    /// <summary>Compares; false when there are too many schedules to run them all.</summary>
    private static bool IsAsBruteForce(Workload program) =>
        BruteForce.Compare(program, new SourceDpor(isLazy: true), seesAllRaces: false) is not null;
}
