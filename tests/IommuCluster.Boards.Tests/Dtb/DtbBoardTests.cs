using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Dtb;

public class DtbBoardTests
{
    [Fact]
    public void Load_RichTree_GivesEveryFact()
    {
        var board = HostileDtbTests.Rich().Load();

        Assert.Equal(("test", "Test", "test,board", "a test", Architecture.Arm64), (board.Name, board.Model, board.Compatible[0], board.Source, board.Architecture));
        var iommu = board.Node("/soc/iommu@10");
        Assert.Equal(("10000010.iommu", true, 2, 2, 3), (iommu.Name, iommu.Enabled, iommu.IommuCells, iommu.Registers, iommu.Interrupts));
        Assert.Equal((1, 0x7c00u, true), (iommu.GlobalInterrupts, iommu.StreamMatchMask, iommu.DmaCoherent));
        var display = board.Node("/soc/display@30");
        Assert.Equal(["/soc/iommu@10 0x300 0x0", "/soc/iommu@10 0x301 0x7"], display.Specifiers());
        Assert.Equal(
            [
                "Clock /clocks", "Reset /clocks", "Interrupt /gic", "Regulator /soc/pmic@40", "Gpio /soc/pinctrl@50", "Pinctrl /soc/pinctrl@50",
                "RemoteEndpoint /soc/hdmi@60",
            ],
            display.Needs());
        Assert.Equal(["0x0 /soc/iommu@10 0x1400 0x0 0x1", "0x100 /soc/iommu@10 0x1401 0x0 0x1"], board.Node("/soc/pcie@70").MapEntries());
        Assert.Equal(["Msi /gic", "Interrupt /gic"], board.Node("/soc/pcie@70").Needs());
        Assert.False(board.Node("/soc/hdmi@60").Enabled);
        var region = Assert.Single(board.ReservedMemory);
        Assert.Equal(("/reserved-memory/fb@1000", 0x1000ul, 0x100ul), (region.Path, region.Base, region.Length));
        Assert.Equal(new IommuAddressRange("/soc/display@30", 0x1000, 0x100), Assert.Single(region.IommuAddresses));
        Assert.Equal("/soc/display@30", Assert.Single(region.Users));
    }

    [Fact]
    public void Nodes_NoDevices_AreLeftOut()
    {
        var board = DtbSource.Arm64(root => root
            .Child("aliases", n => n.Texts("compatible", "x"))
            .Child("memory@0", n => n.Texts("compatible", "x"))
            .Child("chosen", n => n.Child("framebuffer@1", f => f.Texts("compatible", "simple-framebuffer")).Child("other", o => o.Texts("compatible", "x")))
            .Child("opp-table", n => n.Texts("compatible", "operating-points-v2"))
            .Child("reserved-memory", n => n.Child("pool", p => p.Texts("compatible", "shared-dma-pool")).Child("rmtfs", r => r.Texts("compatible", "qcom,rmtfs-mem")))
            .Child("plain")
            .Child("device", n => n.Texts("compatible", "x"))).Load();

        Assert.Equal(["/chosen/framebuffer@1", "/reserved-memory/rmtfs", "/device"], board.Nodes.Select(node => node.Path));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData("okay", "ok", true)]
    [InlineData("okay", "disabled", false)]
    [InlineData("disabled", "okay", false)]
    [InlineData("reserved", null, false)]
    [InlineData("fail", null, false)]
    public void Enabled_OwnStatusAndParents_BothCount(string? parent, string? own, bool enabled)
    {
        var board = DtbSource.Arm64(root => root.Child("bus", bus => Status(bus, parent).Child("a", a => Status(a, own).Texts("compatible", "x")))).Load();
        Assert.Equal(enabled, board.Node("/bus/a").Enabled);
    }

    [Fact]
    public void DmaCoherent_NearestWord_Counts()
    {
        var board = DtbSource.Arm64(root => root
            .Child("silent", n => n.Texts("compatible", "x"))
            .Child("bus", bus => bus.Flag("dma-coherent").Texts("compatible", "x")
                .Child("inherits", n => n.Texts("compatible", "x"))
                .Child("refuses", n => n.Texts("compatible", "x").Flag("dma-noncoherent")))
            .Child("noc", n => n.Texts("compatible", "x").Cells("#interconnect-cells", 0).Flag("dma-coherent").Cells("phandle", 1))
            .Child("passes", n => n.Texts("compatible", "x").Cells("interconnects", 1).Texts("interconnect-names", "dma-mem"))
            .Child("talks", n => n.Texts("compatible", "x").Cells("interconnects", 1).Texts("interconnect-names", "cpu-cfg"))).Load();

        Assert.Equal(
            [null, true, true, false, true, true, null],
            board.Nodes.Select(node => node.DmaCoherent));
    }

    [Fact]
    public void ReservedMemory_OnlyRegionsThatConcernADevice_AreKept()
    {
        var board = DtbSource.Arm64(root => root
            .Child("reserved-memory", memory => memory.Cells("#address-cells", 2).Cells("#size-cells", 2).Flag("ranges")
                .Child("unused@1", n => n.Cells("reg", 0, 1, 0, 1))
                .Child("used@2", n => n.Cells("reg", 1, 0x2000, 0, 0x1000).Cells("phandle", 1))
                .Child("only-iova", n => n.Cells("iommu-addresses", 2, 0x10, 0x20, 3, 1, 0, 2, 0)))
            .Child("one", n => n.Texts("compatible", "x").Cells("phandle", 2).Child("sub", sub => sub.Cells("memory-region", 1)))
            .Child("wide", bus => bus.Cells("#address-cells", 2).Cells("#size-cells", 2).Child("two", n => n.Cells("phandle", 3)))).Load();

        Assert.Equal(["/reserved-memory/used@2", "/reserved-memory/only-iova"], board.ReservedMemory.Select(region => region.Path));
        Assert.Equal((0x1_0000_2000ul, 0x1000ul, "/one"), (board.ReservedMemory[0].Base, board.ReservedMemory[0].Length, Assert.Single(board.ReservedMemory[0].Users)));
        Assert.Null(board.ReservedMemory[1].Base);
        Assert.Equal(
            [new IommuAddressRange("/one", 0x10, 0x20), new IommuAddressRange("/wide/two", 0x1_0000_0000, 0x2_0000_0000)],
            board.ReservedMemory[1].IommuAddresses.ToArray());
        Assert.Contains(board.Nodes, node => node.Path == "/wide/two");
    }

    [Fact]
    public void Text_NoUtf8_IsReplacedNotRefused()
    {
        var board = new DtbSource().Bytes("model", [0xff, (byte)'x', 0]).Child("cpus", cpus => cpus.Child("cpu@0", cpu => cpu.Texts("compatible", "arm,cortex-a53"))).Load();
        Assert.Equal("\ufffdx", board.Model);
    }

    private static DtbSource Status(DtbSource node, string? status) => status is null ? node : node.Texts("status", status);
}
