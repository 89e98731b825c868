using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runs;

public sealed class CampaignTests
{
    /// <summary>Whoever comes first takes two locks in its own order, so that it takes two schedules to make a cycle.</summary>
    private static readonly Workload s_abba = Programs.Of(
        async t =>
        {
            if (await t.Exchange(Box.At(0).X, 1UL) == 0)
            {
                await t.Lock(Box.At(0).A);
                await t.Lock(Box.At(0).B);
                await t.Unlock(Box.At(0).B);
                await t.Unlock(Box.At(0).A);
            }
        },
        async t =>
        {
            if (await t.Exchange(Box.At(0).X, 1UL) == 0)
            {
                await t.Lock(Box.At(0).B);
                await t.Lock(Box.At(0).A);
                await t.Unlock(Box.At(0).A);
                await t.Unlock(Box.At(0).B);
            }
        });

    public static TheoryData<string, ulong> Campaigned => new()
    {
        { StrategyCatalog.Portfolio, 1 },
        { StrategyCatalog.Portfolio, 2 },
        { StrategyCatalog.Random, 3 },
        { StrategyCatalog.Pct, 4 },
        { StrategyCatalog.Delay, 5 },
        { StrategyCatalog.Dpor, 6 },
        { StrategyCatalog.States, 7 },
        { StrategyCatalog.Deepening, 8 },
        { StrategyCatalog.LazyDpor, 9 },
    };

    [Theory]
    [MemberData(nameof(Campaigned))]
    public void Run_AnyNumberOfWorkersAndOrderOfArrival_SeesTheSame(string strategy, ulong seed)
    {
        foreach (var program in new[] { Yardstick.M(false), s_abba })
        {
            var alone = Ended(program, new CampaignPlan(strategy, seed) { Schedules = 1_500 }, workers: 1, order: 0);
            for (var workers = 1; workers <= 3; workers++)
            {
                var crew = Ended(program, new CampaignPlan(strategy, seed) { Schedules = 1_500 }, workers, order: seed + (ulong)workers);

                Assert.Equal(RunsWire.Write(alone.ToState()), RunsWire.Write(crew.ToState()));
            }
        }
    }

    [Fact]
    public void Run_Portfolio_RunsTheBudgetAndCountsEachScheduleOnce()
    {
        var campaign = Ended(Yardstick.M(false), new CampaignPlan(StrategyCatalog.Portfolio, 1) { Schedules = 1_000 });

        var result = campaign.ToResult(TimeSpan.Zero);
        Assert.Equal((Coverage.BudgetDone, 1_000L), (result.Coverage, result.Schedules));
        Assert.NotEmpty(result.Consequences);
        Assert.All(result.All, seen => Assert.InRange(seen.Count, 1, 999));
        Assert.All(result.All, seen => Assert.InRange(seen.FirstSchedule, 0, 999));
    }

    [Fact]
    public void Round_OfPortfolio_NumbersEachScheduleOnce()
    {
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Portfolio, 1) { Schedules = 50 });

        var numbers = campaign.Round.SelectMany(shard => Enumerable.Range((int)shard.First, shard.Schedules));
        Assert.Equal(Enumerable.Range(0, 50), numbers);
    }

    [Fact]
    public void Run_OneStrategy_SeesWhatOneExplorerSees()
    {
        var campaign = Ended(Yardstick.M(false), new CampaignPlan(StrategyCatalog.Random, 7) { Schedules = 2_000 }).ToResult(TimeSpan.Zero);
        var explorer = Explorer.Run(Yardstick.M(false), new RandomWalk(7), new ExplorationOptions { Schedules = 2_000 }, TimeProvider.System);

        Assert.Equal(Told(explorer), Told(campaign));
    }

    [Fact]
    public void Run_LockOrderMadeInTwoShards_CarriesBothSchedules()
    {
        // Shards of one schedule: none sees more than one edge, the campaign sees the cycle.
        var runner = new ShardRunner(s_abba, new RuntimeOptions());
        var ledger = new Ledger(new LedgerState());
        foreach (var shard in Enumerable.Range(0, 20).Select(i => new Shard(0, i, StrategyCatalog.Random, 1, i, 1, 0)))
        {
            var result = runner.Run(shard);
            Assert.Single(result.LockEdges);
            ledger.Merge(result);
        }

        var order = Assert.Single(ledger.Observed());
        Assert.Equal((FindingKind.LockOrder, 2, 1L), (order.Finding.Kind, order.Schedules.Length, order.Count));
        Assert.NotNull(FindingReporter.Create(s_abba, new RuntimeOptions(), order.Finding, order.Schedules));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_AnyFinding_ShowsAgainInItsReport(ulong seed)
    {
        foreach (var program in new[] { Yardstick.M(false), s_abba })
        {
            var result = Ended(program, new CampaignPlan(StrategyCatalog.Portfolio, seed) { Schedules = 300 }).ToResult(TimeSpan.Zero);

            Assert.All(result.All, seen => Assert.NotNull(FindingReporter.Create(program, new RuntimeOptions(), seen.Finding, seen.Schedules)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Run_SearchInShards_RunsEachOrderOnce(int workers)
    {
        var campaign = Ended(Yardstick.SmallM(true), new CampaignPlan(StrategyCatalog.Dpor, 1), workers, order: 1);

        var result = campaign.ToResult(TimeSpan.Zero);
        Assert.Equal((Coverage.Exhausted, 2_520L, 0L, 1.0), (result.Coverage, result.Schedules, result.Abandoned, result.Progress));
        Assert.InRange(campaign.ToState().Round, 3, 2_520);
        Assert.Empty(result.All);
    }

    [Theory]
    [InlineData(StrategyCatalog.States, true)]
    [InlineData(StrategyCatalog.States, false)]
    [InlineData(StrategyCatalog.Deepening, false)]
    [InlineData(StrategyCatalog.LazyDpor, false)]
    public void Run_SearchHandedOn_DoesWhatOneSearchDoes(string strategy, bool isKept)
    {
        var program = Yardstick.M(true);
        var one = Explorer.Run(program, StrategyCatalog.CreateSearch(strategy), new ExplorationOptions { Schedules = 1_000 }, TimeProvider.System);
        var campaign = new Campaign(new CampaignPlan(strategy, 1) { Schedules = 1_000 });
        var kept = new ShardRunner(program, new RuntimeOptions()) { KeepsSearch = true };
        while (campaign.End is null)
        {
            campaign.Add((isKept ? kept : new ShardRunner(program, new RuntimeOptions())).Run(campaign.Round.Single()));
        }

        var result = campaign.ToResult(TimeSpan.Zero);
        Assert.Equal((one.Coverage, one.Schedules, one.Abandoned, one.Steps), (result.Coverage, result.Schedules, result.Abandoned, result.Steps));
        Assert.Equal((one.States, one.ContextBound, one.IsApproximate, one.Progress), (result.States, result.ContextBound, result.IsApproximate, result.Progress));
        Assert.InRange(campaign.ToState().Round, 2, 1_000);
    }

    [Fact]
    public void Run_SearchTooLargeToBeHandedOn_IsDoneByItsNextShard()
    {
        var plan = new CampaignPlan(StrategyCatalog.States, 1) { MostHandedOn = 100 };
        var campaign = new Campaign(plan);
        var first = new ShardRunner(Yardstick.M(true), new RuntimeOptions()).Run(campaign.Round.Single());
        Assert.False(campaign.StaysWithItsWorker);

        campaign.Add(first);
        Assert.True(campaign.StaysWithItsWorker);
        var again = new Campaign(plan, campaign.ToState()); // The worker was lost.
        again.Add(new ShardRunner(Yardstick.M(true), new RuntimeOptions()).Run(again.Round.Single()));

        Assert.Equal(Ended(Yardstick.M(true), plan with { MostHandedOn = long.MaxValue }).Schedules, again.Schedules);
        Assert.Equal((Coverage.Exhausted, 2), (again.End, again.ToState().Round));
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 2)]
    public void Run_SearchInShards_SeesWhatOneSearchSees(bool isSmall, int workers)
    {
        var program = isSmall ? s_abba : Yardstick.S(false);
        var one = Explorer.Run(program, new SourceDpor(), new ExplorationOptions(), TimeProvider.System);
        var result = Ended(program, new CampaignPlan(StrategyCatalog.Dpor, 1), workers).ToResult(TimeSpan.Zero);

        Assert.Equal(Coverage.Exhausted, result.Coverage);
        Assert.Equal(one.All.Select(seen => seen.Finding.Id).Order(), result.All.Select(seen => seen.Finding.Id).Order());
        Assert.All(result.All, seen => Assert.NotNull(FindingReporter.Create(program, new RuntimeOptions(), seen.Finding, seen.Schedules)));
    }

    [Fact]
    public void Run_NobodyHasAChoice_IsOneScheduleAndExhausted()
    {
        var program = Programs.Of(async t => t.WarnOn(await t.Load(Box.At(0).X) == 0, "x is 0"));

        var result = Ended(program, new CampaignPlan(StrategyCatalog.Portfolio, 1) { Schedules = 1_000 }).ToResult(TimeSpan.Zero);

        Assert.Equal((Coverage.Exhausted, 1L, true), (result.Coverage, result.Schedules, result.IsOnlySchedule));
        Assert.True(Assert.Single(result.Consequences).InEverySchedule);
    }

    [Fact]
    public void Run_NothingNewForSoLong_IsSaturated()
    {
        var campaign = Ended(Yardstick.S(false), new CampaignPlan(StrategyCatalog.Portfolio, 1) { Saturation = 2_000 });

        var result = campaign.ToResult(TimeSpan.Zero);
        Assert.Equal(Coverage.Saturated, result.Coverage);
        Assert.True(result.Schedules - result.Figures!.Value.LastNews >= 2_000);
    }

    [Fact]
    public void Figures_OfS_CountPairsInBothOrders()
    {
        var figures = Ended(Yardstick.S(false), new CampaignPlan(StrategyCatalog.Random, 1) { Schedules = 2_000 }).Figures!.Value;

        Assert.InRange(figures.InBothOrders, 1, figures.RacingPairs);
        Assert.Equal(0, figures.LockOrderPairs);
    }

    [Fact]
    public void Add_ResultThatIsThereAlready_ChangesNothing()
    {
        var runner = new ShardRunner(Yardstick.S(false), new RuntimeOptions());
        var once = new Campaign(new CampaignPlan(StrategyCatalog.Random, 1) { Schedules = 64 });
        var twice = new Campaign(new CampaignPlan(StrategyCatalog.Random, 1) { Schedules = 64 });
        foreach (var result in once.Round.Select(shard => runner.Run(shard)).ToList())
        {
            once.Add(result);
            twice.Add(result);
            Assert.False(twice.Add(result));
        }

        Assert.Equal(RunsWire.Write(once.ToState()), RunsWire.Write(twice.ToState()));
    }

    [Fact]
    public void State_WithinARound_IsThatOfTheLastWholeRound()
    {
        var runner = new ShardRunner(Yardstick.S(false), new RuntimeOptions());
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Random, 1));
        var before = RunsWire.Write(campaign.ToState());

        foreach (var shard in campaign.Round[..5].Reverse())
        {
            campaign.Add(runner.Run(shard));
        }

        Assert.Equal(10, campaign.Schedules);
        Assert.Equal(before, RunsWire.Write(campaign.ToState()));
    }

    [Theory]
    [InlineData(1_000, 32)]
    [InlineData(1_000_000, 128)]
    public void Round_OfSamplers_GrowsWithWhatWasRunUntilItHasManyShards(long schedules, int shards)
    {
        var state = CampaignState.Start with { Round = 9, Seen = new LedgerState { Schedules = schedules, Steps = 50 * schedules, MostChoices = 10 } };

        var round = new Campaign(new CampaignPlan(StrategyCatalog.Random, 1), state).Round;

        Assert.Equal(shards, round.Length);
        Assert.InRange(round.Max(shard => shard.Schedules) * 50, 1, 62_500);
    }

    [Fact]
    public void Stop_WithinARound_TellsWhatWasSeenAndKeepsTheLastWholeRound()
    {
        var runner = new ShardRunner(Yardstick.S(false), new RuntimeOptions());
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Random, 1));
        foreach (var shard in campaign.Round)
        {
            campaign.Add(runner.Run(shard));
        }

        var before = campaign.ToState();
        var left = 1;
        var cut = runner.Run(campaign.Round[0], () => left-- == 0);
        campaign.Stop(Coverage.StoppedEarly, [cut]);

        Assert.Equal((1, 64L), (cut.Schedules, before.Seen.Schedules));
        Assert.Equal((65L, Coverage.StoppedEarly), (campaign.Schedules, campaign.End));
    }

    [Theory]
    [InlineData(StrategyCatalog.Portfolio)]
    [InlineData(StrategyCatalog.Dpor)]
    [InlineData(StrategyCatalog.States)]
    [InlineData(StrategyCatalog.Deepening)]
    [InlineData(StrategyCatalog.LazyDpor)]
    public void State_OfEachRound_GoesOnToTheSameEnd(string strategy)
    {
        var plan = new CampaignPlan(strategy, 5) { Schedules = 1_000 };
        var whole = RunsWire.Write(Ended(Yardstick.M(false), plan).ToState());
        var runner = new ShardRunner(Yardstick.M(false), new RuntimeOptions());
        var campaign = new Campaign(plan);
        while (campaign.End is null)
        {
            foreach (var shard in campaign.Round)
            {
                campaign.Add(runner.Run(RunsWire.ReadShard(RunsWire.Write(shard))));
            }

            campaign = new Campaign(plan, RunsWire.ReadState(RunsWire.Write(campaign.ToState())));
        }

        Assert.Equal(whole, RunsWire.Write(campaign.ToState()));
    }

    [Fact]
    public void Wire_OfResult_IsReadAsItWasWritten()
    {
        var result = new ShardRunner(Yardstick.M(false), new RuntimeOptions()).Run(new Shard(2, 3, StrategyCatalog.Pos, 1, 100, 50, 10));

        var bytes = RunsWire.Write(result);
        Assert.Equal(bytes, RunsWire.Write(RunsWire.ReadResult(bytes)));
        Assert.NotEmpty(result.Findings);
    }

    private static Campaign Ended(Workload program, CampaignPlan plan, int workers = 1, ulong order = 0)
    {
        var campaign = new Campaign(plan);
        Campaigns.Run(campaign, program, workers, order);
        return campaign;
    }

    private static IEnumerable<string> Told(ExplorationResult result) =>
        result.All.Select(seen => $"{seen.Finding.Id} {seen.FirstSchedule} {seen.Count} {seen.Schedules[0].Encode()} {seen.Finding.Message}");
}
