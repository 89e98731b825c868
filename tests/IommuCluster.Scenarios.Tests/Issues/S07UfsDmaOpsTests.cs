using IommuCluster.Kernel.DriverCore;
using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Issues;

/// <summary>
/// R05: a probe that fails takes the DMA ops with it, and the core has set them once and for all.
/// <code>
/// CPU0 (modprobe ufshcd-qcom)           CPU1 (deferred_probe)
/// ----                                  ----
/// iommu_setup_dma_ops()
/// ufs_qcom_init() = -EPROBE_DEFER
/// arch_teardown_dma_ops()
///                                       of_iommu_configure(): has an fwspec
///                                       ufshcd_memory_alloc(): dma-direct
/// </code>
/// </summary>
public sealed class S07UfsDmaOpsTests
{
    [Theory]
    [InlineData("s07-sc8180x-ufs-dma-ops", "cbfrsynra=0x300")]
    [InlineData("s07-sm8550-ufs-dma-ops", "cbfrsynra=0x60")]
    public void Ufs_OnLinuxNext20240430_FaultsWhenItsHostCameBeforeItsPhy(string scenario, string stream)
    {
        var result = Shipped.Run(Shipped.Case(scenario, "bug"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected);
        var fault = Assert.Single(result.Seen.Consequences);
        Assert.Equal((FindingKind.ContextFault, "dma-direct", "translated stream"), (fault.Finding.Kind, fault.Finding.ObjectType, fault.Finding.Field));
        Assert.Contains(stream, fault.Finding.Message, StringComparison.Ordinal);
        Assert.InRange(fault.Count, 1, result.Seen.Schedules - 1); // It takes the one order and not the other.
    }

    [Theory]
    [InlineData("s07-sc8180x-ufs-dma-ops", "fix")]
    [InlineData("s07-sc8180x-ufs-dma-ops", "fix-bounded")]
    [InlineData("s07-sc8180x-ufs-dma-ops", "before")]
    [InlineData("s07-sc8180x-ufs-dma-ops", "built-in")]
    [InlineData("s07-sm8550-ufs-dma-ops", "fix")]
    [InlineData("s07-sm8550-ufs-dma-ops", "before")]
    [InlineData("s07-sm8550-ufs-dma-ops", "built-in")]
    public void Ufs_WhereNobodyClearsItsOps_Works(string scenario, string name) => Assert.Empty(Shipped.Run(Shipped.Case(scenario, name)).Seen.Consequences);

    [Theory]
    [InlineData("s07-sc8180x-ufs-dma-ops")]
    [InlineData("s07-sm8550-ufs-dma-ops")]
    public void Ufs_BoundAgainByAUser_FaultsOnLinuxNextInEveryScheduleAndNotOnLinux610(string scenario)
    {
        var builtIn = Shipped.Case(scenario, "built-in");
        var again = builtIn with { Plan = builtIn.Plan with { Users = [[new UserAction(UserVerb.Unbind, "1d84000.ufshc"), new UserAction(UserVerb.Bind, "1d84000.ufshc")]] }, Explore = builtIn.Explore with { ContextBound = 1 } };

        var faults = Shipped.Run(again).Seen;
        Assert.Equal(FindingKind.ContextFault, Assert.Single(faults.Consequences).Finding.Kind);
        Assert.True(faults.Consequences[0].InEverySchedule);
        Assert.Empty(Shipped.Run(again.On("linux-6.10")).Seen.Consequences);
    }

    [Fact]
    public void Ufs_OfEveryOtherEra_Works()
    {
        var bug = Shipped.Case("s07-sc8180x-ufs-dma-ops", "bug");
        foreach (var profile in ProfileCatalog.All.Where(profile => profile.Name != "linux-next-20240430"))
        {
            var seen = Shipped.Run(bug.On(profile.Name)).Seen.Consequences;
            Assert.True(seen.IsEmpty, $"{profile.Name}: {string.Join(", ", seen.Select(each => each.Finding.Message))}");
        }
    }

    [Theory]
    [InlineData("s07-sc8180x-ufs-dma-ops", "1d87000.phy-wrapper")]
    [InlineData("s07-sm8550-ufs-dma-ops", "1d80000.phy")]
    public void Board_OfTheScenario_HasUfsAndItsPhySupplyEachOther(string scenario, string name)
    {
        var board = Shipped.Case(scenario, "bug").Plan.Board;
        var host = Assert.Single(board.Nodes, node => node.Name == "1d84000.ufshc");
        var phy = Assert.Single(board.Nodes, node => node.Name == name);

        Assert.Contains(new Supplier(SupplierKind.Phy, phy.Path), host.Suppliers);
        Assert.Contains(new Supplier(SupplierKind.Reset, host.Path), phy.Suppliers);
    }
}
