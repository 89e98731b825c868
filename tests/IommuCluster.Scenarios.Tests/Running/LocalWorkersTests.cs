using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Running;
using IommuCluster.TestKit;

namespace IommuCluster.Scenarios.Tests.Running;

/// <summary>Specifies how many workers a campaign gets, and who makes them.</summary>
public sealed class LocalWorkersTests
{
    private readonly List<int> _makers = [];

    [Fact]
    public void TheFirst_IsMadeAtOnce()
    {
        _ = Workers(cores: 4);

        Assert.Single(_makers);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(8, 8)]
    [InlineData(100, 8)] // 64 schedules: 8 workers are made and have run them when 16 schedules' time is over, 32 after 34.
    public void AFirstRound_HasNoMoreThanPay(int cores, int workers)
    {
        Workers(cores).RunRound(new Campaign(new CampaignPlan(StrategyCatalog.Random, 1)), () => false, default);

        Assert.Equal(workers, _makers.Count);
    }

    [Fact]
    public void LongerRounds_HaveMore_AllMadeByOneThread()
    {
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Random, 1) { Schedules = 5_000 });
        var workers = Workers(cores: 100);

        while (campaign.End is null)
        {
            workers.RunRound(campaign, () => false, default);
        }

        Assert.Equal(32, _makers.Count); // Rounds of so few schedules have 32 shards at most.
        Assert.All(_makers, maker => Assert.Equal(Environment.CurrentManagedThreadId, maker));
    }

    [Fact]
    public void ASearchInOnePiece_HasOne()
    {
        Workers(cores: 4).RunRound(new Campaign(new CampaignPlan(StrategyCatalog.States, 1)), () => false, default);

        Assert.Single(_makers);
    }

    private LocalWorkers Workers(int cores) => new(Make, cores);

    private ShardRunner Make()
    {
        _makers.Add(Environment.CurrentManagedThreadId);
        return new ShardRunner(Yardstick.M(@fixed: false), new RuntimeOptions()) { KeepsSearch = true };
    }
}
