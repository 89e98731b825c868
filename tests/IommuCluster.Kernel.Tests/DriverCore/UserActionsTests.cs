using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
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

    [Theory]
    [InlineData("linux-6.6")]
    [InlineData("linux-6.10")]
    public void Claim_OfAMasterThatIsBound_IsRefused(string profile) =>
        Toys.Boot(Plan(profile, [Do(UserVerb.Claim)]), async t =>
        {
            var group = await t.Load(Master(t).IommuGroup);
            Assert.Equal((1, 0UL), (await t.Load(group.OwnerCount), await t.Load(group.Owner)));
            Assert.Equal((await t.Load(group.DefaultDomain)).Address, (await t.Load(group.Domain)).Address);
        });

    [Theory]
    [InlineData("linux-6.6")]
    [InlineData("linux-6.10")]
    public void Claim_OfAFreeMaster_BlocksItsDmaAndKeepsDriversAway(string profile) =>
        Toys.Boot(Plan(profile, [Do(UserVerb.Unbind), Do(UserVerb.Claim), Do(UserVerb.Bind)]), async t =>
        {
            var group = await t.Load(Master(t).IommuGroup);
            Assert.Equal((1, 1UL), (await t.Load(group.OwnerCount), await t.Load(group.Owner)));
            Assert.Equal((await t.Load(group.BlockingDomain)).Address, (await t.Load(group.Domain)).Address);
            Assert.Equal(0, await t.Load(Master(t).Driver));
        });

    [Fact]
    public void Release_OfAClaim_GivesTheGroupBackToTheKernel() =>
        Toys.Boot(Plan("linux-6.10", [Do(UserVerb.Unbind), Do(UserVerb.Claim), Do(UserVerb.Release), Do(UserVerb.Bind)]), async t =>
        {
            var group = await t.Load(Master(t).IommuGroup);
            Assert.Equal((1, 0UL), (await t.Load(group.OwnerCount), await t.Load(group.Owner)));
            Assert.Equal((await t.Load(group.DefaultDomain)).Address, (await t.Load(group.Domain)).Address);
            Assert.True(await t.Load(Master(t).KnodeDriver, Marking.Atomic));
        });

    [Theory]
    [InlineData("linux-5.17", false)]
    [InlineData("linux-6.2", false)]
    [InlineData("linux-6.6", false)]
    [InlineData("linux-6.10", false)]
    [InlineData("linux-5.17", true)]
    [InlineData("linux-6.2", true)]
    [InlineData("linux-6.6", true)]
    [InlineData("linux-6.10", true)]
    public void Type_OfAGroup_ChangesOnlyWhileNoDriverIsBound(string profile, bool unbound) =>
        Toys.Boot(Plan(profile, unbound ? [Do(UserVerb.Unbind), Do(UserVerb.TypeIdentity), Do(UserVerb.Bind)] : [Do(UserVerb.TypeIdentity)]), async t =>
        {
            var group = await t.Load(Master(t).IommuGroup);
            Assert.Equal(unbound ? DomainType.Identity : DomainType.Dma, await t.Load((await t.Load(group.Domain)).Type));
            Assert.Equal((await t.Load(group.DefaultDomain)).Address, (await t.Load(group.Domain)).Address);
            Assert.Equal(unbound ? DmaOps.Direct : DmaOps.IommuDma, await t.Load(Master(t).DmaOps));
            Assert.True(await t.Load(Master(t).KnodeDriver, Marking.Atomic));
        });

    [Theory]
    [InlineData("linux-6.8", true)]
    [InlineData("linux-6.10", false)]
    public void Type_StoredWhileADriverBinds_PullsTheDomainFromUnderItOnlyUntilSixTen(string profile, bool breaks)
    {
        var plan = Plan(profile, [Do(UserVerb.Unbind), Do(UserVerb.Bind)], [Do(UserVerb.TypeIdentity)]);

        var seen = Explore.With(new StateSearch(contextBound: 2), BootWorkload.Create(plan), new RuntimeOptions { StateHashing = true });

        Assert.True(seen.IsComplete);
        Assert.True(breaks == seen.Consequences.Any(), seen.ToString());
    }

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
