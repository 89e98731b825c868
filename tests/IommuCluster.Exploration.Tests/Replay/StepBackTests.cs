using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Replay;

public sealed class StepBackTests
{
    /// <summary>Once the pointer is cleared before the second look, the NULL dereference is certain; four harmless steps follow.</summary>
    private static readonly Workload s_clears = Programs.Of(
        async t =>
        {
            var box = await t.Load(Box.At(0).Next);
            await t.ReadOnce(Box.At(1).X);
            await t.ReadOnce(Box.At(1).X);
            await t.Load(box.Y);
        },
        async t =>
        {
            await t.ReadOnce(Box.At(1).Y);
            await t.Store(Box.At(0).Next, await t.Allocate<Box>(Home.Soc));
        });

    [Fact]
    public void Decide_ReadOfNullPointer_IsTheReadAndAProof()
    {
        var (back, finding) = Failing(s_clears, FindingKind.NullDereference);

        var decision = back.Decide(200);

        Assert.Equal(FindingKind.NullDereference, finding.Kind);
        Assert.True(decision.After is { IsCertain: true, IsExhausted: true });
        Assert.True(decision.Before is { IsCertain: false });
        Assert.Equal(decision.Before!.Step + 1, decision.After.Step);
        // Two steps (harmless look, look) and the fault follow the read that decided.
        Assert.True(back.Last - decision.Before.Step >= 3);
    }

    [Fact]
    public void From_TheFirstChoice_CountsWhatASampleShows()
    {
        var (back, finding) = Failing(s_clears, FindingKind.NullDereference);

        var retrial = back.From(back.First, 400);

        Assert.Equal(200, retrial.Sampled);
        Assert.InRange(retrial.Showing, 1, 199);
        Assert.False(retrial.IsCertain);
        Assert.True(retrial.IsExhausted);
        Assert.Contains(retrial.Seen, seen => seen.Finding.Id == finding.Id);
    }

    [Fact]
    public void From_SameSeed_IsTheSame()
    {
        var (one, _) = Failing(Yardstick.M(false), FindingKind.UseAfterFree);
        var (two, _) = Failing(Yardstick.M(false), FindingKind.UseAfterFree);

        Assert.Equal(one.From(one.Last - 5, 100).Showing, two.From(two.Last - 5, 100).Showing);
        Assert.Equal(one.Decide(100).After.Step, two.Decide(100).After.Step);
    }

    [Fact]
    public void Of_ScheduleThatShowsNothing_IsNull() =>
        Assert.Null(StepBack.Of(Yardstick.M(true), new RuntimeOptions(), Schedule.Default, "uaf-00000000"));

    private static (StepBack Back, Finding Finding) Failing(Workload workload, FindingKind kind)
    {
        var result = Explorer.Run(workload, new RandomWalk(1), new ExplorationOptions { Schedules = 500 }, TimeProvider.System);
        var seen = result.Consequences.First(each => each.Finding.Kind == kind);
        return (StepBack.Of(workload, new RuntimeOptions(), seen.Schedules[0], seen.Finding.Id)!, seen.Finding);
    }
}
