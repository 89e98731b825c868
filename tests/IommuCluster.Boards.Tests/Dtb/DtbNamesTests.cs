using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests.Dtb;

/// <summary>Names as of_device_make_bus_id() gives them.</summary>
public class DtbNamesTests
{
    [Fact]
    public void Name_BelowTheRoot_IsAddressAndName() =>
        AssertName("1d84000.ufshc", "/ufshc@1d84000", root => root.Child("ufshc@1d84000", n => n.Texts("compatible", "x").Cells("reg", 0x1d84000, 1)));

    [Fact]
    public void Name_EmptyRanges_KeepsTheAddress() =>
        AssertName("10.a", "/soc/a@10", root => root.Child("soc", soc => soc.Flag("ranges").Child("a@10", Device)));

    [Fact]
    public void Name_Ranges_AreAdded() =>
        AssertName("80000010.a", "/soc/a@10", root => root.Child("soc", soc => soc.Cells("ranges", 0x100, 0x9000_0000, 0x10, 0, 0x8000_0000, 0x100).Child("a@10", Device)));

    [Fact]
    public void Name_TwoBuses_AreAddedUp() =>
        AssertName("1300010.a", "/soc/sub/a@10", root => root.Child("soc", soc => soc.Cells("ranges", 0, 0x100_0000, 0x100_0000)
            .Child("sub", sub => sub.Cells("ranges", 0, 0x30_0000, 0x1000).Child("a@10", Device))));

    [Fact]
    public void Name_WideCells_AreRead() =>
        AssertName("100000010.a", "/soc/a@10", root => root.Child("soc", soc => soc.Cells("#address-cells", 1).Cells("#size-cells", 1)
            .Cells("ranges", 0, 1, 0, 0x100).Child("a@10", Device)), addressCells: 2);

    [Fact]
    public void Name_OutsideOfRanges_TakesTheParents() =>
        AssertName("soc@0:a@10", "/soc@0/a@10", root => root.Child("soc@0", soc => soc.Cells("ranges", 0x100, 0, 0x10).Child("a@10", Device)));

    [Fact]
    public void Name_BusWithoutRanges_TakesTheParents() =>
        AssertName("40.i2c:a@10", "/i2c@40/a@10", root => root.Child("i2c@40", i2c => i2c.Cells("reg", 0x40, 1).Cells("#size-cells", 0).Child("a@10", n => n.Texts("compatible", "x").Cells("reg", 0x10))));

    [Fact]
    public void Name_NoAddress_TakesTheParentsUpToOneThatHasOne()
    {
        AssertName("psci", "/psci", root => root.Child("psci", n => n.Texts("compatible", "x")));
        AssertName("soc@0:a:b", "/soc@0/a/b", root => root.Child("soc@0", soc => soc.Child("a", a => a.Child("b", n => n.Texts("compatible", "x")))));
        AssertName("20.pmu:a:b", "/pmu@20/a/b", root => root.Child("pmu@20", pmu => pmu.Cells("reg", 0x20, 1).Child("a", a => a.Child("b", n => n.Texts("compatible", "x")))));
    }

    [Fact]
    public void Name_Mask_TellsBitsOfARegisterApart() =>
        AssertName("8.3.led", "/led@8,3", root => root.Child("led@8,3", n => n.Texts("compatible", "x").Cells("reg", 8, 4).Cells("mask", 8)));

    [Theory]
    [InlineData(0x0200_0000u, "4000000010.a")] // Memory below a range of memory, 64-bit memory alike.
    [InlineData(0x0300_0000u, "4000000010.a")]
    [InlineData(0x0100_0000u, "pcie:a")] // I/O has no range.
    [InlineData(0u, "pcie:a")] // Configuration space never has one.
    public void Name_BelowPci_TheSpaceMustFit(uint space, string name) =>
        AssertName(name, "/pcie/a", root => root.Child("pcie", pcie => pcie.Texts("device_type", "pci").Cells("#address-cells", 3).Cells("#size-cells", 2)
            .Cells("ranges", 0x0200_0000, 0, 0, 0x40, 0, 0, 0x1000).Child("a", a => a.Texts("compatible", "x").Cells("reg", space, 0, 0x10, 0, 1))), addressCells: 2);

    private static void Device(DtbSource node) => node.Texts("compatible", "x").Cells("reg", 0x10, 1);

    private static void AssertName(string name, string path, Action<DtbSource> fill, uint addressCells = 1)
    {
        var root = new DtbSource().Cells("#address-cells", addressCells).Cells("#size-cells", 1)
            .Child("cpus", cpus => cpus.Child("cpu@0", cpu => cpu.Texts("compatible", "arm,cortex-a53")));
        fill(root);
        Assert.Equal(name, root.Load().Node(path).Name);
    }
}
