using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class StateSearchTests
{
    private static readonly RuntimeOptions s_hashing = new() { StateHashing = true };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void StateSearch_OfS_ReachesWhatBruteForceReaches(bool @fixed)
    {
        var all = Explore.All(Yardstick.S(@fixed));
        var search = new StateSearch();
        var searched = Explore.With(search, Yardstick.S(@fixed), s_hashing);

        Assert.True(search.IsExhausted);
        Assert.Equal(all.StatesAtRest, searched.StatesAtRest);
        Assert.Equal(all.Consequences, searched.Consequences);
        Assert.Equal(all.Races, searched.Races);
        Assert.Equal(@fixed, all.Findings.Count == 0);
    }

    [Fact]
    public void StateSearch_OfFixedS_CountsItsStates()
    {
        // Of the 51 that model checkers count only two have more than one thread that can run: the start, and where A
        // has given the lock back for the first time. The others are passed without a choice.
        var search = new StateSearch();
        Explore.With(search, Yardstick.S(true), s_hashing);

        Assert.Equal(2, search.StateCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    [InlineData(300)]
    public void StateSearch_OfRandomPrograms_ReachesWhatBruteForceReaches(int from) =>
        Assert.InRange(Enumerable.Range(from, 100).Count(seed => IsAsBruteForce(RandomPrograms.Of((ulong)seed), new StateSearch())), 70, 100);

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    public void StateSearch_OfWideRandomPrograms_ReachesWhatBruteForceReaches(int from) =>
        Assert.InRange(Enumerable.Range(from, 100).Count(seed => IsAsBruteForce(RandomPrograms.Wide((ulong)seed), new StateSearch(), seesAllRaces: false)), 35, 100);

    [Fact]
    public void StateSearch_WaiterThatNeverGetsItsTurn_IsNotForgotten()
    {
        // One signal, two who wait for it: whoever comes second never touches it, but could have come first.
        var box = Box.At(0);
        var program = Programs.Of(
            async t => await t.Complete(box.Done),
            async t => await t.WaitFor(box.Done),
            async t => await t.WaitFor(box.Done));

        Assert.Equal(Explore.All(program).Consequences, Explore.With(new StateSearch(), program, s_hashing).Consequences);
    }

    [Fact]
    public void StateSearch_WordThatOnlyLooksProtected_IsSearchedAnewOnceItIsNot()
    {
        // Under its lock in all but the last step of the last thread.
        var box = Box.At(0);
        async Flow Section(KernelThread t)
        {
            await t.Lock(box.A);
            t.WarnOn(await t.Load(box.X) == 1 && await t.Load(box.X) == 2, "changed");
            await t.Unlock(box.A);
        }

        var program = Programs.Of(Section, async t => await t.Store(box.X, 1UL), async t => await t.Store(box.X, 2UL));
        var search = new StateSearch();
        var searched = Explore.With(search, program, s_hashing);

        Assert.InRange(search.Lessons, 1, 4);
        Assert.True(searched.Saw(FindingKind.Warning));
        Assert.Equal(Explore.All(program).Consequences, searched.Consequences);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(200)]
    public void StateSearch_OfRandomProgramsThatCall_ReachesWhatBruteForceReaches(int from)
    {
        var compared = 0;
        for (var seed = from; seed < from + 100; seed++)
        {
            var program = RandomPrograms.Calling((ulong)seed);
            compared += IsAsBruteForce(program, new StateSearch(), seesAllRaces: false) && IsAsBruteForce(program, new StateSearch(contextBound: 100), seesAllRaces: false) ? 1 : 0;
        }

        Assert.InRange(compared, 40, 100);
    }

    [Fact]
    public void StateSearch_WhatAFunctionSawAndDidNotAnswer_TellsNoStatesApart()
    {
        static async Flow<ulong> Look(KernelThread t, ulong mask)
        {
            using var frame = t.Call();
            return await t.ReadOnce(Box.At(0).X) & mask;
        }

        static long StatesWhere(ulong mask)
        {
            var search = new StateSearch();
            var looks = Programs.Of(
                async t =>
                {
                    await Look(t, mask);
                    await t.ReadOnce(Box.At(0).Y);
                    await t.ReadOnce(Box.At(0).Y);
                },
                async t =>
                {
                    await t.WriteOnce(Box.At(0).X, 1UL);
                    await t.WriteOnce(Box.At(0).Y, 1UL);
                });
            Explore.With(search, looks, s_hashing);
            return search.StateCount!.Value;
        }

        Assert.True(StatesWhere(mask: 2) < StatesWhere(mask: 1));
    }

    [Theory]
    [InlineData(1323)]
    [InlineData(1602)]
    [InlineData(1823)]
    public void StateSearch_SectionThatCommutesButWhoseLockIsHeldByWhoWaits_FindsTheDeadlock(int seed)
    {
        // CPU0 holds a and would do nothing under b but give a back; CPU1 takes b and waits for a.
        Assert.True(IsAsBruteForce(RandomPrograms.Of((ulong)seed), new StateSearch(), seesAllRaces: false));
    }

    [Fact]
    public void StateSearch_SectionsThatOnlyRead_AreNotTriedInAllOrders()
    {
        static async Flow Walk(KernelThread t)
        {
            for (var i = 0; i < 5; i++)
            {
                await t.Lock(Box.At(0).A);
                await t.Load(Box.At(0).X);
                await t.Unlock(Box.At(0).A);
            }
        }

        Assert.InRange(Explore.With(new StateSearch(), Programs.Of(Walk, Walk, Walk), s_hashing).Schedules, 1, 12);
    }

    [Fact]
    public void StateSearch_ObjectsThatNobodyElseKnows_NeedOneSchedule()
    {
        static async Flow Body(KernelThread t)
        {
            var inner = await t.Allocate<Box>(Home.Soc);
            var outer = await t.Allocate<Box>(Home.Soc);
            await t.Store(inner.X, 1UL);
            await t.Store(outer.Next, inner);
            await t.Free(await t.Load(outer.Next));
            await t.Free(outer);
        }

        Assert.Equal(1, Explore.With(new StateSearch(), Programs.Of(Body, Body, Body), s_hashing).Schedules);
    }

    [Fact]
    public void StateSearch_ObjectPublishedInsideAnother_IsEverybodysFromThenOn()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                var inner = await t.Allocate<Box>(Home.Soc);
                var outer = await t.Allocate<Box>(Home.Soc);
                await t.Store(outer.Next, inner);
                await t.Store(box.Next, outer);
                await t.Store(inner.X, 1UL);
            },
            async t =>
            {
                var outer = await t.Load(box.Next);
                t.WarnOn(!outer.IsNull && await t.Load((await t.Load(outer.Next)).X) == 0, "early");
                t.WarnOn(!outer.IsNull && await t.Load((await t.Load(outer.Next)).X) == 1, "late");
            });
        var searched = Explore.With(new StateSearch(), program, s_hashing);

        Assert.Equal(2, searched.Consequences.Count());
        Assert.Equal(Explore.All(program).Consequences, searched.Consequences);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void StateSearch_BeyondItsMemory_SaysSoAndStillFinds(bool isBounded)
    {
        var search = new StateSearch(isBounded ? 10 : null, maxStates: 10);
        var searched = Explore.With(search, Yardstick.S(false), s_hashing);

        Assert.True(search.IsExhausted && search.IsApproximate);
        Assert.True(search.StateCount > 10);
        Assert.Equal(Explore.All(Yardstick.S(false)).StatesAtRest.Count, searched.StatesAtRest.Count);
    }

    [Fact]
    public void DeepeningSearch_OfSmallPrograms_EndsWithAProof()
    {
        for (var seed = 0UL; seed < 25; seed++)
        {
            var search = new DeepeningSearch();
            if (IsAsBruteForce(RandomPrograms.Of(seed), search, seesAllRaces: false))
            {
                Assert.True(search.IsExhausted);
                Assert.Null(search.CompletedBound);
            }
        }
    }

    [Fact]
    public void DeepeningSearch_StoppedByItsBudget_TellsTheBoundThatItCompleted()
    {
        var seen = Explorer.Run(Yardstick.M(true), new DeepeningSearch(), new ExplorationOptions { Schedules = 2_000 }, TimeProvider.System);

        Assert.Equal(Coverage.BudgetDone, seen.Coverage);
        Assert.True(seen.ContextBound >= 1);
        Assert.InRange(seen.Progress!.Value, 0, 1);
    }

    [Theory]
    [InlineData(StrategyCatalog.States)]
    [InlineData(StrategyCatalog.Deepening)]
    [InlineData(StrategyCatalog.Dpor)]
    [InlineData(StrategyCatalog.LazyDpor)]
    public void Search_SavedAndTakenUpInAnotherProcess_CoversTheSame(string name)
    {
        ISearch Make() => StrategyCatalog.CreateSearch(name);
        var program = Yardstick.SmallM(true);
        var whole = Explore.With(Make(), program, s_hashing);
        var first = Make();
        var explored = Explore.With(first, program, s_hashing, limit: 40);
        var saved = new MemoryStream();
        ((IResumable)first).Save(new BinaryWriter(saved));
        saved.Position = 0;
        var second = Make();
        ((IResumable)second).Load(new BinaryReader(saved));
        var rest = Explore.With(second, program, s_hashing);

        Assert.False(explored.IsComplete);
        Assert.True(second.IsExhausted);
        Assert.Equal(whole.Schedules, explored.Schedules + rest.Schedules);
        Assert.Equal(whole.StatesAtRest, explored.StatesAtRest.Union(rest.StatesAtRest).ToHashSet());
    }

    [Fact]
    public void Search_SavedByAnotherStrategy_IsRefused()
    {
        var saved = new MemoryStream();
        ((IResumable)new SourceDpor()).Save(new BinaryWriter(saved));
        saved.Position = 0;

        Assert.Throws<InvalidDataException>(() => ((IResumable)new StateSearch()).Load(new BinaryReader(saved)));
    }

    [Theory]
    [InlineData(StrategyCatalog.States)]
    [InlineData(StrategyCatalog.Dpor)]
    [InlineData(StrategyCatalog.LazyDpor)]
    public void Search_SavedAndDamaged_IsRefusedOrTakenUp(string name)
    {
        var search = StrategyCatalog.CreateSearch(name);
        Explore.With(search, Yardstick.SmallM(true), s_hashing, limit: 40);
        var saved = SearchTree.Write(((IResumable)search).Save);
        var refused = 0;
        for (var at = 0; at < saved.Length; at++)
        {
            var damaged = saved.ToArray();
            damaged[at] ^= 0xff;
            refused += IsRefused(name, damaged) ? 1 : 0;
            Assert.True(IsRefused(name, saved.AsSpan(0, at)));
        }

        Assert.InRange(refused, 1, saved.Length);
    }

    private static bool IsRefused(string name, ReadOnlySpan<byte> saved)
    {
        try
        {
            return !SearchTree.Read(saved, reader =>
            {
                ((IResumable)StrategyCatalog.CreateSearch(name)).Load(reader);
                return true;
            });
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    [Fact]
    public void StateSearch_RaceShowsWithStepsAndAScheduleThatReplaysIt()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                await t.Load(box.Y);
                await t.Store(box.X, 1UL);
            },
            async t => await t.Load(box.X));
        var seen = Explorer.Run(program, new StateSearch(), new ExplorationOptions(), TimeProvider.System);

        var race = Assert.Single(seen.Races);
        Assert.Equal(Coverage.Exhausted, seen.Coverage);
        Assert.InRange(race.Sighting.OtherStep, 0, race.Sighting.Step - 1);
        var report = FindingReporter.Create(program, new RuntimeOptions(), race.Finding, race.Schedules)!;
        Assert.NotNull(report.Other);
    }

    [Fact]
    public void StateSearch_WhereTheSecondOfARacingPairEndsFirst_GoesOn()
    {
        // Seed 962: once the first step of a pair is taken, the second's thread can run to its end without a choice.
        Assert.True(IsAsBruteForce(RandomPrograms.Of(962), new StateSearch(), seesAllRaces: false));
    }

    [Fact]
    public void StateSearch_WithEnoughPreemptions_ReachesWhatBruteForceReaches()
    {
        for (var seed = 0UL; seed < 25; seed++)
        {
            var search = new StateSearch(contextBound: 100);
            if (IsAsBruteForce(RandomPrograms.Of(seed), search))
            {
                Assert.Null(search.CompletedBound);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void StateSearch_WithABound_ReachesExactlyTheSchedulesWithSoManyPreemptions(int bound)
    {
        var programs = Enumerable.Range(0, 60).Select(seed => RandomPrograms.Of((ulong)seed)).Concat(Enumerable.Range(0, 40).Select(seed => RandomPrograms.Wide((ulong)seed)));
        foreach (var program in programs)
        {
            var within = Explore.With(new PreemptionCounter(new EveryInterleaving(), bound), program, limit: BruteForce.Limit);
            var searched = Explore.With(new StateSearch(bound), program, s_hashing);
            Assert.True(!within.IsComplete || within.StatesAtRest.SetEquals(searched.StatesAtRest), $"{program.Name}: {within} / {searched}");
        }
    }

    [Fact]
    public void StateSearch_WithOnePreemption_FindsTheLongDelayOfL()
    {
        var search = new StateSearch(contextBound: 1);
        var explored = Explore.With(search, Yardstick.L(), s_hashing);

        Assert.True(search.IsExhausted);
        Assert.Equal(1, search.CompletedBound);
        Assert.Equal("walks", explored.Single(FindingKind.Warning).Field);
        Assert.False(Explore.With(new StateSearch(contextBound: 0), Yardstick.L(), s_hashing).Saw(FindingKind.Warning));
    }

    [Fact]
    public void StateSearch_LockThatIsFreedWhileItsHolderStillUnlocks_FindsTheUseAfterFree()
    {
        // CPU0: lock, complete, unlock | CPU1: wait, free. Only the unlock can come too late: it must not be taken early.
        var box = Box.At(0);
        var other = Box.At(1);
        var program = Programs.Of(
            async t =>
            {
                using var frame = t.Call("Holder");
                await t.Lock(box.A);
                await t.Complete(other.Done);
                await t.Unlock(box.A);
            },
            async t =>
            {
                await t.WaitFor(other.Done);
                await t.Free(box);
            },
            async t => await t.Load(other.X));
        var searched = Explore.With(new StateSearch(), program, s_hashing);

        Assert.True(searched.Saw(FindingKind.UseAfterFree));
        Assert.Equal(Explore.All(program).Consequences, searched.Consequences);
    }

    [Fact]
    public void StateSearch_LockThatIsTriedAtTheVeryEnd_FindsTheRefusal()
    {
        // The first schedule is over before anybody can know that the lock is tried at all.
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                await t.Lock(box.A);
                await t.Spawn(new ThreadStart("child", async c => c.WarnOn(!await c.TryLock(box.A), "refused")));
                await t.Unlock(box.A);
            });
        var searched = Explore.With(new StateSearch(), program, s_hashing);

        Assert.True(searched.Saw(FindingKind.Warning));
        Assert.Equal(Explore.All(program).Consequences, searched.Consequences);
    }

    [Fact]
    public void StateSearch_OfAProgramThatDiffersFromRunToRun_IsOurOwnFault()
    {
        var runs = 0;
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                if (runs++ % 2 == 0)
                {
                    await t.Exchange(box.X, 1UL);
                }

                await t.Exchange(box.Y, 1UL);
            },
            async t =>
            {
                await t.Exchange(box.X, 2UL);
                await t.Exchange(box.Y, 2UL);
            });

        Assert.Contains("nondeterminism", Assert.Throws<InvalidOperationException>(() => Explore.With(new StateSearch(), program, s_hashing)).Message, StringComparison.Ordinal);
    }

    /// <summary>Abandons what has more preemptions than allowed.</summary>
    private sealed class PreemptionCounter(IStrategy inner, int bound) : IStrategy
    {
        private int _preemptions;

        public string Name => inner.Name;

        public bool BeginSchedule(long number)
        {
            _preemptions = 0;
            return inner.BeginSchedule(number);
        }

        public int Choose(in Choice choice)
        {
            var slot = inner.Choose(choice);
            var canStay = choice.Current >= 0 && (choice.Enabled >> choice.Current & 1) != 0;
            _preemptions += canStay && slot != choice.Current ? 1 : 0;
            return _preemptions > bound ? ChoiceOutcome.Abandon : slot;
        }

        public void EndSchedule(ScheduleEnd end) => inner.EndSchedule(end);
    }

    /// <summary>Compares; false when there are too many schedules to run them all.</summary>
    private static bool IsAsBruteForce(Workload program, IStrategy search, bool seesAllRaces = true) => BruteForce.Compare(program, search, s_hashing, seesAllRaces) is not null;
}
