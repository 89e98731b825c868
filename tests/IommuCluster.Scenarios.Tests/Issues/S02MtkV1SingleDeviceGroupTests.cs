using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Issues;

/// <summary>R02: all masters in the M4U's one group, and <c>iommu_attach_device</c> admits groups of one.</summary>
public sealed class S02MtkV1SingleDeviceGroupTests
{
    private const string Scenario = "s02-mtk-v1-single-device-group";

    [Theory]
    [InlineData("bug")]
    [InlineData("no-drivers")]
    [InlineData("third-master")]
    public void Attach_OfTheSecondMasterOfASharedGroup_IsRefusedInEverySchedule(string name)
    {
        var result = Shipped.Run(Shipped.Case(Scenario, name));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected);
        var refused = Assert.Single(result.Seen.Consequences, each => each.Finding.Kind == FindingKind.UnexpectedErrno);
        Assert.Equal(("iommu_attach_device", "-EINVAL"), (refused.Finding.Function, refused.Finding.Field));
    }

    [Fact]
    public void Bind_OfTheRefusedMaster_FreesADomainThatWasNeverAttached()
    {
        var oops = Assert.Single(Shipped.Run(Shipped.Case(Scenario, "bug")).Seen.Consequences, each => each.Finding.Kind == FindingKind.NullDereference).Finding;

        Assert.Equal(("mtk_iommu_data", "dev"), (oops.ObjectType, oops.Field));
        Assert.Contains("address: 0x8 ", oops.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fix")]
    [InlineData("released")]
    public void Attach_WithAGroupForEachMaster_WorksForAll(string name) => Assert.Empty(Shipped.Run(Shipped.Case(Scenario, name)).Seen.Consequences);
}
