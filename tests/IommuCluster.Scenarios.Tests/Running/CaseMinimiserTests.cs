using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Running;

public sealed class CaseMinimiserTests
{
    [Fact]
    public void Minimise_S21OnMoreOfTheBoard_LeavesOneMasterAndStillShowsTheFinding()
    {
        var bug = Shipped.Case("s21-fwspec-race", "bug");
        var wide = bug with { Plan = bug.Plan with { Masters = ["2c6a000.gmu", "1d84000.ufshc"], Transfers = 1 } };
        var runner = new CaseRunner(TimeProvider.System);
        var finding = runner.Run(wide with { Explore = wide.Explore with { Strategy = "portfolio", Schedules = 256 } }).Seen.Consequences
            .First(seen => seen.Finding is { Kind: FindingKind.UseAfterFree, ObjectType: "dev_iommu" or "iommu_fwspec" }).Finding;

        var smaller = new CaseMinimiser(runner).Minimise(wide, finding);

        Assert.Single(smaller.Plan.Masters);
        Assert.Equal(0, smaller.Plan.Transfers);
        var yaml = ScenarioWriter.ToYaml(smaller, finding, schedules: 256);
        var read = Shipped.Read(yaml).Cases.Single();
        Assert.Equal(Outcome.AsExpected, runner.Run(read).Verdict.Outcome);
    }

    [Fact]
    public void Minimise_NothingToTakeAway_IsTheSameCase()
    {
        var bug = Shipped.Case("s21-fwspec-race", "bug");
        var runner = new CaseRunner(TimeProvider.System);
        var never = new Finding(FindingKind.Warning, "nobody", string.Empty, "nothing", string.Empty, "never");

        Assert.Same(bug, new CaseMinimiser(runner, schedules: 64).Minimise(bug, never));
    }
}
