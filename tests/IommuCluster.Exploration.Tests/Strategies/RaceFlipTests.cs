using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class RaceFlipTests
{
    /// <summary>The writer is far from its store when the reader reads: by chance they hardly ever come in the other order.</summary>
    private static readonly Workload s_lateWriter = Programs.Of(
        async t => await t.Load(Box.At(0).X),
        async t =>
        {
            for (var i = 0; i < 40; i++)
            {
                await t.ReadOnce(Box.At(0).Count);
            }

            await t.Store(Box.At(0).X, 1UL);
        });

    [Fact]
    public void Choose_PairMetInOneOrder_MeetsItInTheOther()
    {
        var runtime = new DeterministicRuntime(s_lateWriter);
        Run(runtime, new InTurn());
        var race = Assert.Single(runtime.Sightings);
        var hint = RaceHint.Of(runtime, race.OtherStep, race.Step);
        Assert.Equal(StepKind.Load, runtime.Trace[race.OtherStep].Kind);

        Run(runtime, new RaceFlip(1, first: 0, [hint]));

        var flipped = Assert.Single(runtime.Sightings);
        Assert.Equal((StepKind.Store, StepKind.Load), (runtime.Trace[flipped.OtherStep].Kind, runtime.Trace[flipped.Step].Kind));
    }

    [Fact]
    public void Choose_NobodyElseCanRun_EndsAllTheSame()
    {
        // The second is the child of the first: it cannot come before its parent's step.
        var program = Programs.Of(
            async t =>
            {
                await t.Store(Box.At(0).X, 1UL);
                await t.Spawn(new ThreadStart("child", async c => await c.Store(Box.At(0).X, 2UL)));
            },
            async t => await t.ReadOnce(Box.At(0).Count));
        var runtime = new DeterministicRuntime(program);

        Assert.Equal(ScheduleEnd.Completed, Run(runtime, new RaceFlip(1, 0, [new RaceHint(Schedule.Default, First: 2, 0, Second: 4, 0)])));
    }

    [Fact]
    public void Campaign_PairMetInOneOrder_IsMetInBothOneRoundLater()
    {
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Portfolio, 1) { Schedules = 128 });

        Campaigns.Run(campaign, s_lateWriter);

        Assert.Equal((1, 1), (campaign.Figures!.Value.RacingPairs, campaign.Figures!.Value.InBothOrders));
        Assert.Empty(campaign.ToState().Seen.Pending);
    }

    private static ScheduleEnd Run(DeterministicRuntime runtime, IStrategy strategy)
    {
        strategy.BeginSchedule(0);
        return runtime.Run(strategy, 0);
    }
}
