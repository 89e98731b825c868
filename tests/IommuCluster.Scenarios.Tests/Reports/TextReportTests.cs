using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Tests.Support;

namespace IommuCluster.Scenarios.Tests.Reports;

public sealed class TextReportTests
{
    [Fact]
    public void Findings_OfASample_TellWhichSwitchesHadNoPartAndWhichPairsShareNoLock()
    {
        var text = TextReport.Findings(Run("s21-fwspec-race", "fix"));

        // Nobody claims the device, so that no rule of ownership was asked; and nobody's architecture tears DMA ops down.
        Assert.Matches(@"  switches of linux-6\.8: \d+ of \d+ asked for; no part in this: .*BusyRule", text);
        Assert.DoesNotMatch(@"no part in this: .*\bProbeLock\b", text);
        Assert.Contains("    iommu_device.ops: store in iommu_device_register / load in iommu_ops_from_fwnode\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Switches_OfOneCaseMore_AreNotThoseOfTheCaseBefore()
    {
        var (arm, arm64) = (Run("s05-rk3288-vop-ebusy", "fix").Seen.Switches, Run("s21-fwspec-race", "exhausted").Seen.Switches);

        Assert.NotEqual(0UL, arm & ~arm64);
        Assert.NotEqual(0UL, arm64 & ~arm);
    }

    private static CaseResult Run(string scenario, string name)
    {
        var shipped = Shipped.Case(scenario, name);
        return Shipped.Run(shipped with { Explore = shipped.Explore with { Strategy = "portfolio", Schedules = 200 } });
    }
}
