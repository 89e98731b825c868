using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Tests.Drivers;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.DriverCore;

public sealed class UserActionsTests
{
    [Theory]
    [InlineData("linux-4.16")]
    [InlineData("linux-5.17")]
    [InlineData("linux-6.2")]
    [InlineData("linux-6.6")]
    [InlineData("linux-6.10")]
    public void Remove_OfABoundMaster_LeavesNothingBehind(string profile) =>
        Toys.Boot(Plan(profile, [Do(UserVerb.Remove)]), async t =>
        {
            var master = Master(t);
            Assert.Equal(0, await t.Load(master.Driver));
            Assert.True((await t.Load(master.IommuGroup)).Address.IsNull);
            Assert.True((await t.Load(master.Iommu)).Address.IsNull);
        });

    [Theory]
    [InlineData("linux-4.16")]
    [InlineData("linux-5.17")]
    [InlineData("linux-6.2")]
    [InlineData("linux-6.6")]
    [InlineData("linux-6.10")]
    public void Rescan_OfARemovedMaster_BindsItAgainBehindItsIommu(string profile) =>
        Toys.Boot(Plan(profile, [Do(UserVerb.Remove), Do(UserVerb.Rescan)]), async t =>
        {
            Assert.True(await t.Load(Master(t).KnodeDriver, Marking.Atomic));
            Assert.False((await t.Load(Master(t).IommuGroup)).Address.IsNull);
        });

    [Fact]
    public void Unbind_OfABoundMaster_KeepsItsGroup() =>
        Toys.Boot(Plan("linux-6.10", [Do(UserVerb.Unbind)]), async t =>
        {
            Assert.Equal(0, await t.Load(Master(t).Driver));
            Assert.False((await t.Load(Master(t).IommuGroup)).Address.IsNull);
        });

    [Fact]
    public void Users_OfTheSameMaster_BreakNothing()
    {
        var plan = Plan("linux-6.10", [Do(UserVerb.Unbind), Do(UserVerb.Bind)], [Do(UserVerb.Remove), Do(UserVerb.Rescan)]);

        var seen = Explore.With(new RandomWalk(1), BootWorkload.Create(plan), limit: 2_000);

        Assert.Empty(seen.Consequences);
        Assert.Equal([ScheduleEnd.Completed], seen.Ends);
    }

    [Fact]
    public void Users_OfADeviceThatIsNotThere_AreRefusedInWords() =>
        Assert.Contains(
            "no device here that has a driver is called 'nobody', for a user to unbind it",
            Assert.Throws<BootPlanException>(() => BootWorkload.Create(Plan("linux-6.10", [new UserAction(UserVerb.Unbind, "nobody")]))).Message,
            StringComparison.Ordinal);

    private static UserAction Do(UserVerb verb) => new(verb, "master");

    private static Device Master(KernelThread t) => Machine.DeviceAt(Toys.NumberOf(t, "master"));

    private static BootPlan Plan(string profile, params UserAction[][] users) => Toys.Plan(
        profile,
        Architecture.Arm64,
        Toys.Iommu("/smmu", "arm,smmu-v3", contexts: 4),
        Toys.Node("/master", "toy,master").Behind("/smmu", 1)) with { Users = [.. users.Select(actions => actions.ToImmutableArray())] };
}
