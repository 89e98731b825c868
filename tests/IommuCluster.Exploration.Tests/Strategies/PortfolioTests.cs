using IommuCluster.Exploration.Strategies;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class PortfolioTests
{
    private const int Budget = 10_000;

    [Theory]
    [InlineData("S")]
    [InlineData("M")]
    [InlineData("H")]
    [InlineData("L")]
    public void Portfolio_FindsEveryYardstickWithinTenThousandSchedules(string program)
    {
        for (var seed = 1UL; seed <= 20; seed++)
        {
            Assert.InRange(Campaigns.FirstConsequence(StrategyCatalog.Portfolio, seed, Yardstick.Of(program), Budget), 1, Budget);
        }
    }

    [Fact]
    public void Share_NothingLearntYet_IsEven() =>
        Assert.Equal<int>([22, 21, 21], new Portfolio(["a", "b", "c"], []).Share(64));

    [Fact]
    public void Share_OneGains_KeepsHalfForAllAndGivesItTheRest()
    {
        var portfolio = new Portfolio(["idle", "busy"], []);

        portfolio.Learn([0, 5], [32, 32]);

        Assert.Equal<int>([16, 48], portfolio.Share(64));
    }

    [Fact]
    public void Learn_LongAgo_CountsLess()
    {
        var portfolio = new Portfolio(["early", "late"], []);
        portfolio.Learn([4, 0], [32, 32]);

        portfolio.Learn([0, 4], [32, 32]);

        Assert.True(portfolio.Share(64) is [var early, var late] && early < late && early > 16);
    }

    [Fact]
    public void Gains_MakeAnEqualPortfolio()
    {
        var portfolio = new Portfolio(["a", "b", "c"], []);
        portfolio.Learn([1, 2, 3], [7, 11, 13]);

        Assert.Equal<int>(portfolio.Share(1_000), new Portfolio(["a", "b", "c"], portfolio.Gains).Share(1_000));
    }
}
