using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Tests.Drivers;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Iommu;

public sealed class DefaultDomainTests
{
    /// <summary>
    /// 211ff31b3d33: two members of a group to be find no default domain and make one each. The group is on the first,
    /// its default is the second, whose IOVA space nobody initialises.
    /// </summary>
    [Theory]
    [InlineData("linux-4.16", true)]
    [InlineData("linux-5.17", false)]
    public void DefaultDomain_OfTwoMembersBoundAtTheSameTime_IsMadeTwiceUntilItIsLocked(string profile, bool isFound)
    {
        var plan = Toys.Plan(
            profile,
            Architecture.Arm64,
            Toys.Iommu("/smmu", "arm,mmu-500", contexts: 4),
            Toys.Node("/ohci", "toy,ohci").Behind("/smmu", 0),
            Toys.Node("/ehci", "toy,ehci").Behind("/smmu", 0));
        plan = plan with { Clients = plan.Clients with { Load = DriverLoad.Module } };

        var explored = Explore.With(new RandomWalk(seed: 1), BootWorkload.Create(plan), limit: 1_000);

        Assert.Equal(isFound, explored.Findings.Values.Any(finding => finding is { Kind: FindingKind.NullDereference, ObjectType: "iova" }));
    }
}
