using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Issues;

/// <summary>R04: the ownership series refuses the RK3288 display, whose group sits on the ARM DMA mapping.</summary>
public sealed class S05Rk3288VopEbusyTests
{
    private const string Scenario = "s05-rk3288-vop-ebusy";

    [Fact]
    public void Display_OnLinux519WithTheOldDriver_IsRefusedInEverySchedule()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "bug"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected);
        var refused = Assert.Single(result.Seen.Consequences);
        Assert.Equal(FindingKind.UnexpectedErrno, refused.Finding.Kind);
        Assert.Equal("__iommu_attach_group", refused.Finding.Function);
        Assert.Equal("-EBUSY", refused.Finding.Field);
    }

    [Fact]
    public void Display_OnLinux519WithTheOldDriverAsModule_IsRefusedInEverySchedule()
    {
        var bug = Shipped.Case(Scenario, "bug");
        var old = bug.Plan.Drivers[0];
        var modules = bug with { Plan = bug.Plan with { Drivers = [old with { Load = DriverLoad.Module, Probe = ProbeMode.Asynchronous }] } };

        Assert.True(Shipped.Run(modules).Verdict.Outcome == Outcome.AsExpected);
    }

    [Fact]
    public void Display_OnLinux519WithTheMendedDriver_Works() => Assert.True(Shipped.Run(Shipped.Case(Scenario, "fix")).Verdict.Outcome == Outcome.AsExpected);

    [Theory]
    [InlineData("bug")]
    [InlineData("fix")]
    public void Display_OnLinux517_WorksEitherWay(string name) =>
        Assert.Empty(Shipped.Run(Shipped.Case(Scenario, name).On("linux-5.17")).Seen.Consequences);

    [Fact]
    public void Display_WithTheOldDriver_IsRefusedInEveryEraSinceTheOwnershipSeries()
    {
        foreach (var profile in ProfileCatalog.All.SkipWhile(profile => !profile.DmaOwnership))
        {
            var refused = Shipped.Run(Shipped.Case(Scenario, "bug").On(profile.Name)).Seen.Consequences;
            Assert.Contains(refused, each => each.Finding.Kind == FindingKind.UnexpectedErrno && each.Finding.Field == "-EBUSY");
        }
    }
}
