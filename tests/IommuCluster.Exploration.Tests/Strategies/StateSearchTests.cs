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
    private const int BruteForceLimit = 5_000;

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
        Assert.True(searched.Schedules <= all.Schedules);
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
    public void StateSearch_OfRandomPrograms_ReachesWhatBruteForceReaches(int from)
    {
        var compared = 0;
        for (var seed = from; seed < from + 100; seed++)
        {
            var program = RandomPrograms.Of((ulong)seed);
            var all = Explore.With(new EveryInterleaving(), program, limit: BruteForceLimit);
            if (!all.IsComplete)
            {
                continue;
            }

            var searched = Explore.With(new StateSearch(), program, s_hashing);
            Assert.True(all.StatesAtRest.SetEquals(searched.StatesAtRest), $"seed {seed}: {all} / {searched}");
            Assert.True(all.Consequences.SequenceEqual(searched.Consequences), $"seed {seed}: {all} / {searched}");
            Assert.True(all.Races.SequenceEqual(searched.Races), $"seed {seed}: {all} / {searched}");
            compared++;
        }

        Assert.InRange(compared, 70, 100);
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
        var program = RandomPrograms.Of(962);
        var all = Explore.With(new EveryInterleaving(), program, limit: BruteForceLimit);
        var searched = Explore.With(new StateSearch(), program, s_hashing);

        Assert.Equal(all.StatesAtRest, searched.StatesAtRest);
        Assert.Equal(all.Consequences, searched.Consequences);
    }

    [Fact]
    public void StateSearch_WithEnoughPreemptions_ReachesWhatBruteForceReaches()
    {
        for (var seed = 0UL; seed < 25; seed++)
        {
            var program = RandomPrograms.Of(seed);
            var all = Explore.With(new EveryInterleaving(), program, limit: BruteForceLimit);
            if (!all.IsComplete)
            {
                continue;
            }

            var search = new StateSearch(contextBound: 100);
            var searched = Explore.With(search, program, s_hashing);

            Assert.False(search.HitBound);
            Assert.Equal(all.FinalStates, searched.FinalStates);
            Assert.Equal(all.Consequences, searched.Consequences);
            Assert.Equal(all.Races, searched.Races);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void StateSearch_WithABound_ReachesExactlyTheSchedulesWithSoManyPreemptions(int bound)
    {
        for (var seed = 0UL; seed < 60; seed++)
        {
            var program = RandomPrograms.Of(seed);
            var within = Explore.With(new PreemptionCounter(new EveryInterleaving(), bound), program, limit: BruteForceLimit);
            var searched = Explore.With(new StateSearch(bound), program, s_hashing);
            Assert.True(!within.IsComplete || within.FinalStates.SetEquals(searched.FinalStates), $"seed {seed}: {within} / {searched}");
        }
    }

    [Fact]
    public void StateSearch_WithOnePreemption_FindsTheLongDelayOfL()
    {
        var search = new StateSearch(contextBound: 1);
        var explored = Explore.With(search, Yardstick.L(), s_hashing);

        Assert.True(search.IsExhausted && search.HitBound);
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
                    await t.Lock(box.A);
                    await t.Unlock(box.A);
                }

                await t.Load(box.X);
            },
            async t =>
            {
                await t.Lock(box.A);
                await t.Load(box.X);
                await t.Unlock(box.A);
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
}
