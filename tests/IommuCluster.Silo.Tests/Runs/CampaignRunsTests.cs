using System.Text.Json;
using IommuCluster.Exploration.Runs;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using IommuCluster.Silo.Runs;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Runs;

/// <summary>A sampler explored by a cluster finds what it finds in one process, whatever is lost on the way.</summary>
[Collection(RunCluster.Collection)]
public sealed class CampaignRunsTests
{
    private static readonly RunOrder s_order = new() { Scenario = "s21-fwspec-race", Case = "bug", Schedules = 8_000, Seed = 7 };
    private static readonly RunOrder s_search = new()
    {
        Text = """
            title: a search in parts
            board: sc8180x-primus
            masters: [2c6a000.gmu]
            iommus: []
            drivers: { arm-smmu: { load: module } }
            clients: { load: module }
            firmware-links: off
            transfers: 0
            explore: { strategy: dpor, schedules: 600 }
            cases:
              bug: { profile: linux-6.6, expect: [ { finding: null-dereference }, { finding: use-after-free } ] }
            """,
    };

    /// <summary>By strategy: a search that is handed on from silo to silo.</summary>
    private static RunOrder OneMind(string strategy) => s_search with { Text = s_search.Text!.Replace("strategy: dpor, schedules: 600", $"strategy: {strategy}, schedules: 20000", StringComparison.Ordinal) };

    private static readonly Lazy<string> s_alone = new(() => Alone(s_order));
    private static readonly Lazy<string> s_searchedAlone = new(() => Alone(s_search));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Explore_OnSilos_SeesWhatOneProcessSees(short silos)
    {
        await using var cluster = await RunCluster.StartAsync(silos);

        var end = await (await cluster.SubmitAsync(s_order)).EndAsync();

        Assert.Equal((RunPhase.Completed, null), (end.Phase, end.Error));
        Assert.Equal(s_alone.Value, Told(end));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Explore_WhileASiloIsKilled_SeesWhatOneProcessSees(bool killsTheCoordinator)
    {
        await using var cluster = await RunCluster.StartAsync(silos: 3);

        var (_, end) = await cluster.RunWhileASiloIsKilledAsync(s_order, killsTheCoordinator);

        Assert.Equal(s_alone.Value, Told(end));
    }

    [Theory]
    [InlineData("deepening", true)]
    [InlineData("deepening", false)]
    public async Task Search_WhileASiloIsKilled_GoesOnAndSeesWhatOneProcessSees(string strategy, bool killsTheCoordinator)
    {
        await using var cluster = await RunCluster.StartAsync(silos: 2);

        var (_, end) = await cluster.RunWhileASiloIsKilledAsync(OneMind(strategy), killsTheCoordinator);

        Assert.Equal(Alone(OneMind(strategy)), Told(end));
    }

    [Theory]
    [InlineData("states", 1)]
    [InlineData("lazy-dpor", 2)]
    [InlineData("deepening", 3)]
    public void Books_OfASearchThatIsHandedOn_SeeWhatOneProcessSees(string strategy, int seed)
    {
        var order = OneMind(strategy) with { Schedules = 2_000 };

        Assert.Equal(Alone(order), Told(Kept(order, seed).Status("run-1")));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(5, true)]
    public void Books_AnyOrderRepeatsAndLostCoordinators_SeeWhatOneProcessSees(int seed, bool isSearch)
    {
        Assert.Equal((isSearch ? s_searchedAlone : s_alone).Value, Told(Kept(isSearch ? s_search : s_order, seed).Status("run-1")));
    }

    /// <summary>The books of an order whose coordinators are lost again and again, whose slices end in any order, and each twice.</summary>
    private static RunLedger Kept(RunOrder order, int seed)
    {
        var random = new Random(seed);
        var workers = new ShardWorkers(Toy.Orders, new CaseRunner(TimeProvider.System));
        var ledger = Toy.Begin(order);
        while (!ledger.IsOver)
        {
            var slices = new List<RunSlice>();
            while (ledger.Take() is { } slice)
            {
                slices.Add(slice);
            }

            foreach (var slice in slices.OrderBy(_ => random.Next()))
            {
                var result = SliceResult.Of(workers.Run(slice, slice.ToShard()!, () => false)); // All slices of a campaign are shards.
                ledger.Note(slice, result);
                ledger.Note(slice, result);
            }

            ledger = random.Next(2) == 0 ? ledger : Lost(ledger, random);
        }

        return ledger;
    }

    [Fact]
    public void Books_WhoseTimeIsUpWithinARound_CountTheShardsThatWereRun()
    {
        var workers = new ShardWorkers(Toy.Orders, new CaseRunner(TimeProvider.System));
        var ledger = Toy.Begin(s_order with { Schedules = null, Time = "10s" });
        var slices = Enumerable.Range(0, 3).Select(_ => ledger.Take()!).ToList(); // There are more.
        ledger.NoteTime(TimeSpan.FromSeconds(10));
        Assert.Null(ledger.Take());

        slices.ForEach(slice => ledger.Note(slice, SliceResult.Of(workers.Run(slice, slice.ToShard()!, () => false)))); // All slices of a campaign are shards.

        var end = ledger.Status("run-1");
        Assert.Equal((RunPhase.Completed, "budget-done", slices.Sum(slice => slice.Count)), (end.Phase, end.Cases[0].Coverage, end.Cases[0].Done));
    }

    [Fact]
    public async Task Explore_ForATimeInWhichTheCoordinatorIsKilled_GoesOnAndEndsWithTheBudgetDone()
    {
        await using var cluster = await RunCluster.StartAsync(silos: 3);

        var order = s_order with { Case = "fix", Schedules = null, Time = "5s" }; // A case that is as expected however much fits into the time.

        var (before, end) = await cluster.RunWhileASiloIsKilledAsync(order, killsTheCoordinator: true);

        Assert.Equal(("budget-done", "as-expected"), (end.Cases[0].Coverage, end.Cases[0].Outcome));
        Assert.InRange(end.Cases[0].Done, before.Cases[0].Done, long.MaxValue);
    }

    [Fact]
    public async Task Stop_WithinARound_CountsWhatWasRun()
    {
        await using var cluster = await RunCluster.StartAsync(silos: 1);
        var run = await cluster.SubmitAsync(s_order with { Schedules = 100_000_000 });
        var before = await run.WatchAsync(status => status.Cases[0].Done > 0);

        await run.StopAsync();
        var end = await run.EndAsync();

        Assert.Equal((RunPhase.Stopped, "no-verdict", 0), (end.Phase, end.Cases[0].Outcome, end.Cases[0].UnderWay));
        Assert.InRange(end.Cases[0].Done, before.Cases[0].Done, 99_999_999);
    }

    /// <summary>Books that go on from what was kept, after a shard was taken whose result never comes.</summary>
    private static RunLedger Lost(RunLedger ledger, Random random)
    {
        if (random.Next(2) == 0)
        {
            ledger.Take();
        }

        return new RunLedger(ledger.Record, Toy.Orders.Read(ledger.Record.Order).Cases);
    }

    /// <summary>What <c>explore</c> sees in this process.</summary>
    private static string Alone(RunOrder order)
    {
        var scenarioCase = Toy.Orders.Read(order).Cases[0];
        var result = new CaseRunner(TimeProvider.System, cores: 2).Run(scenarioCase);
        return Told(
            result.Seen.Schedules,
            result.Seen.Steps,
            Kebab(result.Seen.Coverage),
            Kebab(result.Verdict.Outcome),
            result.Seen.All.Select(seen => Told(seen, ScenarioToken.Of(scenarioCase, seen.Schedules).ToString())));
    }

    private static string Kebab<T>(T word)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(word.ToString());

    private static string Told(RunStatus status)
    {
        var seen = status.Cases[0];
        return Told(seen.Done, seen.Steps, seen.Coverage, seen.Outcome, seen.Findings.Select(each => $"{each.Id} {each.Message} {each.Count} {each.First} {each.InEvery} {each.Token}"));
    }

    private static string Told(ObservedFinding seen, string token) =>
        $"{seen.Finding.Id} {seen.Finding.Message} {seen.Count} {seen.FirstSchedule} {seen.InEverySchedule} {token}";

    private static string Told(long schedules, long steps, string? coverage, string? outcome, IEnumerable<string> findings) =>
        string.Join('\n', findings.Prepend($"{schedules} {steps} {coverage} {outcome}"));
}
