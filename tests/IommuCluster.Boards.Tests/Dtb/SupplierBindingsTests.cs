using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests.Dtb;

public class SupplierBindingsTests
{
    public static TheoryData<string, string?, string> Properties => new()
    {
        { "clocks", "#clock-cells", "Clock" },
        { "power-domains", "#power-domain-cells", "PowerDomain" },
        { "phys", "#phy-cells", "Phy" },
        { "resets", "#reset-cells", "Reset" },
        { "vcc-supply", null, "Regulator" },
        { "interconnects", "#interconnect-cells", "Interconnect" },
        { "dmas", "#dma-cells", "Dma" },
        { "mboxes", "#mbox-cells", "Mailbox" },
        { "pinctrl-0", null, "Pinctrl" },
        { "pinctrl-8", null, "Pinctrl" },
        { "gpio", "#gpio-cells", "Gpio" },
        { "gpios", "#gpio-cells", "Gpio" },
        { "reset-gpios", "#gpio-cells", "Gpio" },
        { "enable-gpio", "#gpio-cells", "Gpio" },
        { "interrupts-extended", "#interrupt-cells", "Interrupt" },
        { "nvmem-cells", "#nvmem-cell-cells", "Nvmem" },
        { "nvmem-cells", null, "Nvmem" },
        { "io-channels", "#io-channel-cells", "IoChannel" },
        { "io-backends", "#io-backend-cells", "IoChannel" },
        { "hwlocks", "#hwlock-cells", "HwLock" },
        { "pwms", "#pwm-cells", "Pwm" },
        { "extcon", null, "Extcon" },
        { "wakeup-parent", null, "WakeupParent" },
        { "backlight", null, "Display" },
        { "panel", null, "Display" },
        { "leds", null, "Display" },
        { "msi-parent", "#msi-cells", "Msi" },
        { "msi-parent", null, "Msi" },
        { "mediatek,larbs", null, "MediaTekLarb" },
        { "mediatek,larb", null, "MediaTekLarb" },
        { "mediatek,smi", null, "MediaTekLarb" },
        { "access-controllers", "#access-controller-cells", "AccessController" },
        { "power-supplies", null, "PowerSupply" },
        { "pses", "#pse-cells", "PowerSourcingEquipment" },
    };

    [Theory]
    [MemberData(nameof(Properties))]
    public void Read_TwoEntriesOfDifferentArguments_StepsOverThem(string property, string? cellsName, string kind)
    {
        // Arguments equal to a phandle must not be taken for one.
        uint[] cells = cellsName is null ? [1, 2] : [1, 3, 3, 2, 3];
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Supplier(a, 1, cellsName, 2)).Child("b", b => Supplier(b, 2, cellsName, 1)).Child("wrong", w => Supplier(w, 3, cellsName, 1))
            .Child("c", c => c.Texts("compatible", "x").Cells(property, cells))).Load();
        Assert.Equal([$"{kind} /a", $"{kind} /b"], board.Node("/c").Needs());
    }

    [Theory]
    [InlineData("snps,nr-gpios")]
    [InlineData("pinctrl-9")]
    [InlineData("pinctrl-names")]
    [InlineData("supply")]
    [InlineData("assigned-clocks")]
    [InlineData("iommus")]
    public void Read_PropertiesThatAreNoLinks_GiveNone(string property)
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => a.Texts("compatible", "x").Cells("#iommu-cells", 0).Cells("phandle", 1))
            .Child("c", c => c.Texts("compatible", "x").Cells(property, 1))).Load();
        Assert.Empty(board.Node("/c").Suppliers);
    }

    [Fact]
    public void Read_SubNodeNamed_MeansTheDeviceAbove()
    {
        var board = DtbSource.Arm64(root => root
            .Child("pmic", pmic => pmic.Texts("compatible", "x").Child("regulators", r => r.Child("ldo1", l => l.Cells("phandle", 1)).Child("ldo2", l => l.Cells("phandle", 2))))
            .Child("loose", loose => loose.Cells("phandle", 3))
            .Child("c", c => c.Texts("compatible", "x").Cells("a-supply", 1).Cells("b-supply", 2).Cells("c-supply", 3))).Load();
        Assert.Equal(["Regulator /pmic"], board.Node("/c").Needs());
    }

    [Fact]
    public void Read_SelfAndNodesBelow_AreNoSuppliers()
    {
        var board = DtbSource.Arm64(root => root.Child("c", c => c.Texts("compatible", "x").Cells("phandle", 1)
            .Cells("a-supply", 1).Cells("clocks", 2).Cells("pinctrl-0", 3)
            .Child("below", b => b.Texts("compatible", "x").Cells("#clock-cells", 0).Cells("phandle", 2).Cells("clocks", 2).Cells("b-supply", 1))
            .Child("hog", h => h.Cells("phandle", 3)))).Load();
        Assert.Empty(board.Node("/c").Suppliers);
        Assert.Equal(["Regulator /c"], board.Node("/c/below").Needs());
    }

    [Fact]
    public void Read_SubNodeThatNames_DoesNotCount()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => a.Texts("compatible", "x").Cells("phandle", 1))
            .Child("c", c => c.Texts("compatible", "x").Child("sub", sub => sub.Cells("vcc-supply", 1)))).Load();
        Assert.Empty(board.Node("/c").Suppliers);
    }

    [Fact]
    public void Read_GroupedByKind_KeepsTheOrderOfProperties()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Supplier(a, 1, "#clock-cells", 0)).Child("b", b => Supplier(b, 2, "#clock-cells", 0))
            .Child("c", c => c.Texts("compatible", "x").Cells("x-supply", 2).Cells("clocks", 2, 1, 2).Cells("y-supply", 1))).Load();
        Assert.Equal(["Regulator /b", "Regulator /a", "Clock /b", "Clock /a"], board.Node("/c").Needs());
    }

    [Fact]
    public void Read_BrokenList_GivesWhatComesBeforeAndAWarning()
    {
        var warnings = new List<BoardDiagnostic>();
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Supplier(a, 1, "#clock-cells", 1))
            .Child("c", c => c.Texts("compatible", "x").Cells("clocks", 1, 0, 0, 9, 1, 1))).Load(warnings);
        Assert.Equal(["Clock /a"], board.Node("/c").Needs());
        Assert.Equal("/c: clocks, cell 3: no node has phandle 0x9", Assert.Single(warnings).Reason);
    }

    [Fact]
    public void Read_Interrupts_GoToTheInterruptParent()
    {
        var board = DtbSource.Arm64(root => root.Cells("interrupt-parent", 1)
            .Child("gic", gic => gic.Texts("compatible", "x").Cells("#interrupt-cells", 3).Cells("phandle", 1).Cells("interrupts", 1, 2, 3))
            .Child("bus", bus => bus.Child("c", c => c.Texts("compatible", "x").Cells("interrupts", 1, 2, 3, 4, 5, 6)))
            .Child("both", c => c.Texts("compatible", "x").Cells("interrupts", 1, 2, 3).Cells("interrupts-extended", 2, 5, 2, 6, 1, 0, 0, 0))
            .Child("gpio", gpio => gpio.Texts("compatible", "x").Cells("#interrupt-cells", 1).Cells("phandle", 2))
            .Child("own", own => own.Texts("compatible", "x").Cells("interrupt-parent", 2).Cells("interrupts", 1, 2, 3, 4))).Load();

        Assert.Equal(["Interrupt /gic"], board.Node("/bus/c").Needs());
        Assert.Equal(2, board.Node("/bus/c").Interrupts);
        Assert.Equal(["Interrupt /gpio", "Interrupt /gic"], board.Node("/both").Needs());
        Assert.Equal(3, board.Node("/both").Interrupts);
        Assert.Equal(["Interrupt /gpio"], board.Node("/own").Needs());
        Assert.Equal(4, board.Node("/own").Interrupts);
        Assert.Equal((1, 0), (board.Node("/gic").Interrupts, board.Node("/gic").Suppliers.Length));
    }

    [Fact]
    public void Read_InterruptsBehindAMap_GoToWhatIsBehind()
    {
        var board = DtbSource.Arm64(root => root
            .Child("gic", gic => gic.Texts("compatible", "x").Cells("#interrupt-cells", 3).Cells("#address-cells", 1).Cells("phandle", 1))
            .Child("bus", bus => bus.Texts("compatible", "x").Cells("#interrupt-cells", 1).Cells("#address-cells", 2)
                .Cells("interrupt-map", 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0)
                .Child("c", c => c.Texts("compatible", "x").Cells("interrupts", 1)))).Load();
        Assert.Equal(["Interrupt /gic"], board.Node("/bus/c").Needs());
        Assert.Equal(["Interrupt /gic"], board.Node("/bus").Needs());
    }

    [Fact]
    public void Read_InterruptParentsInACircle_EndNowhere()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => a.Texts("compatible", "x").Cells("phandle", 1).Cells("interrupt-parent", 2).Cells("interrupts", 1))
            .Child("b", b => b.Texts("compatible", "x").Cells("phandle", 2).Cells("interrupt-parent", 1).Cells("interrupts", 1))).Load();
        Assert.Equal((0, 0), (board.Node("/a").Interrupts, board.Node("/b").Interrupts));
    }

    [Fact]
    public void Read_GpioHog_IsTheParentsOwn()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Supplier(a, 1, "#gpio-cells", 0))
            .Child("c", c => c.Texts("compatible", "x").Flag("gpio-hog").Cells("gpios", 1))).Load();
        Assert.Empty(board.Node("/c").Suppliers);
    }

    private static void Supplier(DtbSource node, uint phandle, string? cellsName, uint cells)
    {
        node.Texts("compatible", "x").Cells("phandle", phandle);
        if (cellsName is not null)
        {
            node.Cells(cellsName, cells);
        }
    }
}
