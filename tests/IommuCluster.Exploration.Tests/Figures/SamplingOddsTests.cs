using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Figures;

/// <summary>
/// How often samplers meet the bugs of the yardstick programs, in 20,000 schedules of one seed. Elsewhere, with the
/// allocation and the store of a new object as one step, POS met M .755 and H .047, PCT of depth 2 M .059 and H never
/// (0 of 300,000), PCT of depth 10 M .285. Here they are two steps. POS does not care: it samples orders of conflicting
/// steps, and an allocation conflicts with nothing; three standard deviations are .009 and .0045. For PCT the window
/// between read and store is at most twice as wide, so the odds are between one and two times those. L is arithmetic:
/// A0 must come before both B (1 of 3) and the only change, or delay, of the k places must be its second step: 1 / 3k, k
/// being the most places that a schedule was seen to have, 141. The .22 for PCT elsewhere does not fit one place of many;
/// it would if threads took their first step as they are spawned, which moves A0 past it before anybody else exists.
/// </summary>
public sealed class SamplingOddsTests
{
    private const int Schedules = 20_000;

    [Fact]
    public void Pos_MeetsMAndHAsElsewhere()
    {
        Assert.InRange(Odds(new PartialOrderSampling(1), Yardstick.M(false)), .755 - .015, .755 + .015);
        Assert.InRange(Odds(new PartialOrderSampling(1), Yardstick.H()), .047 - .008, .047 + .008);
    }

    [Theory]
    [InlineData(2, .059)]
    [InlineData(10, .285)]
    public void Pct_MeetsMOneToTwoTimesAsOftenAsWithANarrowWindow(int depth, double elsewhere) =>
        Assert.InRange(Odds(new ProbabilisticConcurrencyTesting(1, depth), Yardstick.M(false)), elsewhere, 2 * elsewhere);

    [Fact]
    public void Pct_OfDepthTwo_NeverMeetsH() => Assert.Equal(0, Odds(new ProbabilisticConcurrencyTesting(1, 2), Yardstick.H()));

    [Fact]
    public void Pct_OfDepthTwo_MeetsLOnceInThreeTimesItsLength()
    {
        var pct = new ProbabilisticConcurrencyTesting(1, 2);
        var odds = Odds(pct, Yardstick.L());
        AssertOneInThreeTimes(pct.Length, odds);
    }

    [Fact]
    public void Delay_OfOne_MeetsLOnceInThreeTimesItsLength()
    {
        var delay = new DelaySampling(1, bound: 1);
        var odds = Odds(delay, Yardstick.L());
        AssertOneInThreeTimes(delay.Length, odds);
    }

    [Fact]
    public void Delay_OfOne_MeetsMAsPctOfDepthTwoDoes()
    {
        // Both run threads one after the other but for one switch; they differ in who comes after it.
        var pct = Odds(new ProbabilisticConcurrencyTesting(1, 2), Yardstick.M(false));
        Assert.InRange(Odds(new DelaySampling(1, bound: 1), Yardstick.M(false)), pct * .8, pct * 1.25);
    }

    private static void AssertOneInThreeTimes(int length, double odds)
    {
        Assert.InRange(length, 120, 160);
        var expected = 1.0 / (3 * length);
        var deviation = Math.Sqrt(expected / Schedules);
        Assert.InRange(odds, expected - (4 * deviation), expected + (4 * deviation));
    }

    private static double Odds(IStrategy strategy, Workload program)
    {
        var runtime = new DeterministicRuntime(program, new RuntimeOptions { Checkers = false });
        var bugs = 0;
        for (var i = 0; i < Schedules; i++)
        {
            strategy.BeginSchedule(i);
            strategy.EndSchedule(runtime.Run(strategy, i));
            bugs += runtime.Sightings.Count > 0 ? 1 : 0;
        }

        return (double)bugs / Schedules;
    }
}
