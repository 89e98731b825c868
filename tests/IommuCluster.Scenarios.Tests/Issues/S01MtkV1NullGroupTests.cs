using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Issues;

/// <summary>R01: the first M4U's driver has its masters attached before they have a group, and 4.15 does not look.</summary>
public sealed class S01MtkV1NullGroupTests
{
    private const string Scenario = "s01-mtk-v1-null-group";

    [Fact]
    public void M4u_OnLinux415_FollowsNullToTheGroupsMutexInEverySchedule()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "bug"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected);
        Assert.Equal(Coverage.Exhausted, result.Seen.Coverage);
        var oops = Assert.Single(result.Seen.Consequences).Finding;
        Assert.Equal((FindingKind.NullDereference, "IommuAttachDevice"), (oops.Kind, oops.Function));
        Assert.Contains("address: 0x30 ", oops.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void M4u_OnLinux415AsModule_OopsesInEverySchedule()
    {
        var bug = Shipped.Case(Scenario, "bug");
        var module = new DriverPlan("mtk-iommu-v1", DriverLoad.Module, ProbeMode.Asynchronous, bug.Plan.Clients.Switches);

        Assert.True(Shipped.Run(bug with { Plan = bug.Plan with { Drivers = [module] } }).Verdict.Outcome == Outcome.AsExpected);
    }

    [Theory]
    [InlineData("fix")]
    [InlineData("fix-modules")]
    public void M4u_OnLinux416_Boots(string name) => Assert.Empty(Shipped.Run(Shipped.Case(Scenario, name)).Seen.Consequences);

    [Fact]
    public void M4u_InEveryLaterEra_Boots()
    {
        var bug = Shipped.Case(Scenario, "bug");
        foreach (var profile in ProfileCatalog.All.Where(profile => profile.Name != "linux-4.15"))
        {
            var seen = Shipped.Run(bug.On(profile.Name)).Seen.Consequences;
            Assert.True(seen.IsEmpty, $"{profile.Name}: {string.Join(", ", seen.Select(each => each.Finding.Message))}");
        }
    }
}
