using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class SourceDporTests
{
    [Fact]
    public void SourceDpor_OfFixedS_NeedsThreeExecutions()
    {
        // A takes its lock twice, B once: three orders.
        var dpor = new SourceDpor();
        Explore.With(dpor, Yardstick.S(true));

        Assert.True(dpor.IsExhausted);
        Assert.Equal(3, dpor.Executions);
        Assert.Equal(0, dpor.SleepBlocked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SourceDpor_OfS_ReachesWhatBruteForceReaches(bool @fixed)
    {
        var all = Explore.All(Yardstick.S(@fixed));
        var searched = Explore.With(new SourceDpor(), Yardstick.S(@fixed));

        Assert.Equal(all.StatesAtRest, searched.StatesAtRest);
        Assert.Equal(all.Consequences, searched.Consequences);
        Assert.True(searched.Schedules <= all.Schedules);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    [InlineData(300)]
    public void SourceDpor_OfRandomPrograms_ReachesWhatBruteForceReaches(int from)
    {
        var compared = 0;
        var (few, many) = (0L, 0L);
        for (var seed = from; seed < from + 100; seed++)
        {
            if (BruteForce.Compare(RandomPrograms.Of((ulong)seed), new SourceDpor()) is var (all, searched))
            {
                Assert.True(searched.Schedules <= all.Schedules, $"seed {seed}: {all} / {searched}");
                (few, many) = (few + searched.Schedules, many + all.Schedules);
                compared++;
            }
        }

        Assert.InRange(compared, 70, 100);
        Assert.True(few * 5 < many, $"{few} / {many}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    public void SourceDpor_OfWideRandomPrograms_ReachesWhatBruteForceReaches(int from) =>
        Assert.InRange(Enumerable.Range(from, 100).Count(seed => IsAsBruteForce(RandomPrograms.Wide((ulong)seed))), 35, 100);

    [Theory]
    [InlineData(1030)]
    [InlineData(1374)]
    public void SourceDpor_WhereSomebodyWakesWhileNobodyElseCanRun_GoesOn(int seed)
    {
        // CPU0 sleeps on a load; CPU1 stores, which wakes it, and blocks: CPU0 runs on without a choice before anybody looks.
        Assert.True(IsAsBruteForce(RandomPrograms.Of((ulong)seed)));
    }

    [Theory]
    [InlineData(2268, false)]
    [InlineData(1126, true)]
    [InlineData(2289, true)]
    public void SourceDpor_WhereAWriteRacesWithSeveralReads_NamesEachPair(int seed, bool wide)
    {
        // Which of the reads comes last is no difference of class: only one schedule of them is run.
        Assert.True(IsAsBruteForce(wide ? RandomPrograms.Wide((ulong)seed) : RandomPrograms.Of((ulong)seed)));
    }

    [Fact]
    public void SourceDpor_CompletionUsedAsALock_IsTakenInBothOrders()
    {
        // Each waits, stores and completes: the second could have been first, but not just before the signal that let it in.
        var box = Box.At(0);
        Func<KernelThread, Flow> Section(ulong value) => async t =>
        {
            await t.WaitFor(box.Done);
            await t.Store(box.X, value);
            await t.Complete(box.Done);
        };

        Assert.True(IsAsBruteForce(Programs.Of(async t => await t.Complete(box.Done), Section(1), Section(2))));
    }

    [Fact]
    public void SourceDpor_TryLockThatFailsBetweenTwoHolders_HidesNoOrderOfTheirs()
    {
        var box = Box.At(0);
        Func<KernelThread, Flow> Section(ulong value) => async t =>
        {
            await t.Lock(box.A);
            await t.Store(box.X, value);
            await t.Unlock(box.A);
        };

        Assert.True(IsAsBruteForce(Programs.Of(Section(1), async t => await t.TryLock(box.A), Section(2))));
    }

    [Fact]
    public void SourceDpor_OfSmallFixedM_RunsEachOrderOfItsLockOnce()
    {
        // Four threads take the lock twice each: 8! / (2!)^4.
        var dpor = new SourceDpor();
        Explore.With(dpor, Yardstick.SmallM(true));

        Assert.True(dpor.IsExhausted);
        Assert.Equal(2_520, dpor.Executions);
        Assert.Equal(0, dpor.SleepBlocked);
    }

    [Fact]
    public void SourceDpor_IndependentThreads_NeedOneExecution()
    {
        var dpor = new SourceDpor();
        Explore.With(dpor, Programs.Of(
            async t => await t.Store(Box.At(0).X, 1UL),
            async t => await t.Store(Box.At(0).Y, 1UL),
            async t => await t.Free(await t.Allocate<Box>(Home.Soc))));

        Assert.Equal(1, dpor.Executions);
        Assert.Equal(0, dpor.SleepBlocked);
    }

    [Fact]
    public void SourceDpor_Readers_NeedOneExecution()
    {
        var dpor = new SourceDpor();
        static async Flow Read(KernelThread t)
        {
            await t.DownRead(Box.At(0).Sem);
            await t.Load(Box.At(0).X);
            await t.UpRead(Box.At(0).Sem);
        }

        Explore.With(dpor, Programs.Of(Read, Read, Read));

        Assert.Equal(1, dpor.Executions);
    }

    [Fact]
    public void SourceDpor_LocksInContradictingOrders_FindsTheDeadlock()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                await t.Lock(box.A);
                await t.Lock(box.B);
                await t.Unlock(box.B);
                await t.Unlock(box.A);
            },
            async t =>
            {
                await t.Lock(box.B);
                await t.Lock(box.A);
                await t.Unlock(box.A);
                await t.Unlock(box.B);
            });
        var all = Explore.All(program);
        var searched = Explore.With(new SourceDpor(), program);

        Assert.True(searched.Saw(FindingKind.Deadlock));
        Assert.Equal(all.FinalStates, searched.FinalStates);
        Assert.Equal(all.Consequences, searched.Consequences);
    }

    [Fact]
    public void SourceDpor_WhatHappensBesideAnOops_IsSeen()
    {
        // T0 oopses at once; that T1 warns three steps later depends on nothing T0 does.
        var box = Box.At(0);
        var program = Programs.Of(
            async t => await t.Load(default(Box).X),
            async t =>
            {
                await t.Store(box.X, 1UL);
                await t.Store(box.Y, 1UL);
                t.WarnOn(true, "late");
            });

        Assert.Equal(Explore.All(program).Consequences, Explore.With(new SourceDpor(), program).Consequences);
    }

    [Fact]
    public void SourceDpor_WaitQueuesAndRcu_ReachWhatBruteForceReaches()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                var ticket = await t.PrepareToWait(box.Queue);
                if (await t.ReadOnce(box.X) == 0)
                {
                    await t.WaitEvent(box.Queue, ticket);
                }

                await t.RcuReadLock();
                await t.ReadOnce(box.Y);
                await t.RcuReadUnlock();
            },
            async t =>
            {
                await t.WriteOnce(box.X, 1UL);
                await t.WakeUp(box.Queue);
                await t.SynchronizeRcu();
                await t.WriteOnce(box.Y, 1UL);
            });
        var all = Explore.All(program);
        var searched = Explore.With(new SourceDpor(), program);

        Assert.Equal(all.StatesAtRest, searched.StatesAtRest);
        Assert.Equal(all.Consequences, searched.Consequences);
    }

    [Fact]
    public void SourceDpor_ThroughTheExplorer_EndsWithAProof()
    {
        var seen = Explorer.Run(Yardstick.S(true), StrategyCatalog.CreateSearch(StrategyCatalog.Dpor), new ExplorationOptions(), TimeProvider.System);

        Assert.Equal(Coverage.Exhausted, seen.Coverage);
        Assert.Equal(3, seen.Schedules);
    }

    /// <summary>Compares; false when there are too many schedules to run them all.</summary>
    private static bool IsAsBruteForce(Workload program) => BruteForce.Compare(program, new SourceDpor()) is not null;
}
