using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Kernel.Tests.Drivers;

public sealed class MtkIommuV1Tests
{
    private static readonly string[] s_masters = ["ovl", "rdma", "jpeg"];

    [Theory]
    [InlineData("linux-4.16")]
    [InlineData("linux-5.17")]
    [InlineData("linux-5.19")]
    [InlineData("linux-6.2")]
    [InlineData("linux-6.6")]
    public void Masters_FromLinux416On_HaveAGroupEachAndOneMapping(string profile) => Toys.Boot(Plan(profile), async t =>
    {
        var groups = new HashSet<ulong>();
        var mappings = new HashSet<ulong>();
        var domains = new HashSet<ulong>();
        foreach (var name in s_masters)
        {
            var dev = Machine.DeviceAt(Toys.NumberOf(t, name));
            Assert.Equal(DmaOps.ArmMapping, await t.Load(dev.DmaOps));
            groups.Add((await t.Load(dev.IommuGroup)).Address.Value);
            mappings.Add((await t.Load(dev.Mapping)).Address.Value);
            domains.Add((await Toys.DomainOf(t, name)).Address.Value);
        }

        Assert.Equal(s_masters.Length, groups.Count);
        Assert.Single(mappings);
        Assert.NotEqual(0UL, Assert.Single(domains));
    });

    [Theory]
    [InlineData("linux-6.8")]
    [InlineData("linux-6.10")]
    public void Masters_SinceOpsAreFoundThroughTheFwspecOnly_AreNeverProbed(string profile) => Toys.Boot(Plan(profile), async t =>
    {
        foreach (var name in s_masters)
        {
            var dev = Machine.DeviceAt(Toys.NumberOf(t, name));
            Assert.Equal(DmaOps.Direct, await t.Load(dev.DmaOps));
            Assert.True((await t.Load(dev.IommuGroup)).Address.IsNull);
            Assert.NotEqual(0, await t.Load(dev.Driver));
        }
    });

    [Fact]
    public void Larb_BeforeItsCommonBlock_Defers()
    {
        var late = new DriverPlan("mtk-smi-common", DriverLoad.Module, ProbeMode.Synchronous, System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty);
        Toys.Boot(Plan("linux-5.17") with { Drivers = [late] }, async t =>
        {
            Assert.True(await t.Load(Machine.DeviceAt(Toys.NumberOf(t, "larb")).KnodeDriver));
            Assert.True(await t.Load(Machine.DeviceAt(Toys.NumberOf(t, "m4u")).KnodeDriver));
        });
    }

    private static BootPlan Plan(string profile) => Toys.Plan(
        profile,
        Architecture.Arm,
        Toys.Node("/larb", "mediatek,mt2701-smi-larb").Needs(SupplierKind.MediaTekLarb, "/smi"),
        Toys.Iommu("/m4u", "mediatek,mt2701-m4u", contexts: 1).Needs(SupplierKind.MediaTekLarb, "/larb"),
        Toys.Node("/smi", "mediatek,mt2701-smi-common"),
        Toys.Node("/ovl", "toy,ovl").Behind("/m4u", 0),
        Toys.Node("/rdma", "toy,rdma").Behind("/m4u", 2),
        Toys.Node("/jpeg", "toy,jpeg").Behind("/m4u", 0x2b).Behind("/m4u", 0x1c));
}
