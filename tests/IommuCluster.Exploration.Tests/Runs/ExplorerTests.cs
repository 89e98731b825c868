using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

namespace IommuCluster.Exploration.Tests.Runs;

public sealed class ExplorerTests
{
    private static ExplorationResult Run(Workload workload, IStrategy strategy, ExplorationOptions? options = null) =>
        Explorer.Run(workload, strategy, options ?? new ExplorationOptions(), TimeProvider.System);

    private static readonly Workload s_abba = Programs.Of(
        async t =>
        {
            await t.Lock(Box.At(0).A);
            await t.Lock(Box.At(0).B);
            await t.Unlock(Box.At(0).B);
            await t.Unlock(Box.At(0).A);
        },
        async t =>
        {
            await t.Lock(Box.At(0).B);
            await t.Lock(Box.At(0).A);
            await t.Unlock(Box.At(0).A);
            await t.Unlock(Box.At(0).B);
        });

    [Fact]
    public void Run_RandomOnS_CountsSchedulesThatShowEachFinding()
    {
        var result = Run(Yardstick.S(false), new RandomWalk(1), new ExplorationOptions { Schedules = 1_000 });

        Assert.Equal((Coverage.BudgetDone, 1_000L), (result.Coverage, result.Schedules));
        Assert.NotEmpty(result.Consequences);
        Assert.NotEmpty(result.Races);
        Assert.All(result.All, seen => Assert.InRange(seen.Count, 1, 999));
        Assert.All(result.Races, seen => Assert.True(seen.Finding.IsRace));
        Assert.Equal(result.All.Count(), result.All.Select(seen => seen.Finding.Id).Distinct().Count());
    }

    [Fact]
    public void Run_StatesOnFixedS_IsExhaustedAndClean()
    {
        var result = Run(Yardstick.S(true), new StateSearch());

        Assert.Equal(Coverage.Exhausted, result.Coverage);
        Assert.Empty(result.All);
        Assert.NotNull(result.States);
    }

    [Fact]
    public void Run_StatesWithBound_SaysThatItHoldsUpToTheBound() =>
        Assert.Equal(Coverage.ExhaustedToContextBound, Run(Yardstick.M(true), new StateSearch(contextBound: 0)).Coverage);

    [Fact]
    public void Run_NobodyHasAChoice_IsOneScheduleAndExhausted()
    {
        var result = Run(
            Programs.Of(async t => t.WarnOn(await t.Load(Box.At(0).X) == 0, "x is 0")),
            new RandomWalk(1),
            new ExplorationOptions { Schedules = 1_000 });

        Assert.Equal((Coverage.Exhausted, 1L, true), (result.Coverage, result.Schedules, result.IsOnlySchedule));
        Assert.True(Assert.Single(result.Consequences).InEverySchedule);
    }

    [Fact]
    public void Run_FindingBeforeAnyChoice_IsInEverySchedule()
    {
        var race = Programs.Of(async t => await t.Load(Box.At(0).X), async t => await t.Load(Box.At(1).X));
        var early = new Stage("early", [new ThreadStart("early", async t => t.WarnOn(await t.Load(Box.At(0).X) == 0, "x is 0"))]);

        var result = Run(race with { Stages = race.Stages.Insert(1, early) }, new RandomWalk(1), new ExplorationOptions { Schedules = 10 });

        var seen = Assert.Single(result.Consequences);
        Assert.True(seen is { AtBoot: true, InEverySchedule: true, Count: 10 });
    }

    [Fact]
    public void Run_LockOrderMadeOfTwoSchedules_CarriesBoth()
    {
        var result = Run(s_abba, new RandomWalk(1), new ExplorationOptions { Schedules = 100 });

        var order = Assert.Single(result.Consequences, seen => seen.Finding.Kind == FindingKind.LockOrder);
        var report = FindingReporter.Create(s_abba, new RuntimeOptions(), order.Finding, order.Schedules);
        Assert.NotNull(report);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Run_AnyFinding_ShowsAgainInItsReport(ulong seed)
    {
        foreach (var workload in new[] { Yardstick.M(false), s_abba })
        {
            var result = Run(workload, new RandomWalk(seed), new ExplorationOptions { Schedules = 300 });

            Assert.All(result.All, seen => Assert.NotNull(FindingReporter.Create(workload, new RuntimeOptions(), seen.Finding, seen.Schedules)));
        }
    }

    [Fact]
    public void Run_StopCondition_StopsAtOnce()
    {
        var result = Run(Yardstick.M(false), new RandomWalk(1), new ExplorationOptions { StopAt = seen => !seen.Finding.IsRace });

        Assert.Equal(Coverage.StoppedEarly, result.Coverage);
        Assert.Single(result.Consequences);
        Assert.False(result.IsCancelled);
    }

    [Fact]
    public void Run_Cancelled_TellsWhatWasSeen()
    {
        using var cancellation = new CancellationTokenSource();
        var options = new ExplorationOptions { ProgressInterval = TimeSpan.Zero, Progress = at => Cancel(at, cancellation) };

        var result = Explorer.Run(Yardstick.M(false), new RandomWalk(1), options, TimeProvider.System, cancellation.Token);

        Assert.True(result.IsCancelled);
        Assert.Equal(6, result.Schedules); // Asked before progress is told, so one more was run.
    }

    [Fact]
    public void Run_BudgetInTime_EndsWhenTheClockSaysSo()
    {
        var result = Explorer.Run(Yardstick.M(true), new RandomWalk(1), new ExplorationOptions { Time = TimeSpan.FromSeconds(5) }, new SteppingClock());

        Assert.Equal(Coverage.BudgetDone, result.Coverage);
        Assert.InRange(result.Schedules, 1, 5);
    }

    private static void Cancel(ExplorationProgress at, CancellationTokenSource cancellation)
    {
        if (at.Schedules == 5)
        {
            cancellation.Cancel();
        }
    }

    /// <summary>A clock on which each look costs a second.</summary>
    private sealed class SteppingClock : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds++;
    }
}
