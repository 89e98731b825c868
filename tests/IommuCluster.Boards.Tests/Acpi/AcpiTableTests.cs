using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Acpi;

public class AcpiTableTests
{
    [Fact]
    public void Iort_SmmusComponentsAndReservedRanges()
    {
        var board = Tables.Load(Tables.Iort());

        Assert.Equal(Architecture.Arm64, board.Architecture);
        Assert.Equal("TEST BOARD", board.Model);
        var (v3, smmu) = (board.Node("/smmu-v3@c000000"), board.Node("/smmu@5000000"));
        Assert.Equal(("arm-smmu-v3.0.auto", "arm,smmu-v3", 3, (bool?)true), (v3.Name, v3.Compatible[0], v3.Interrupts, v3.DmaCoherent));
        Assert.Equal(("arm-smmu.1.auto", "arm,mmu-500", 3, 1), (smmu.Name, smmu.Compatible[0], smmu.Interrupts, smmu.GlobalInterrupts));
        Assert.Equal(["0x100 /smmu-v3@c000000 0x4100 0x100"], board.Node("/pci@1").MapEntries()); // What goes straight to the ITS is not translated.
        var component = board.Node(@"/acpi/_SB.MMC0");
        Assert.Equal((@"_SB.MMC0", (bool?)false), (component.Name, component.DmaCoherent));
        Assert.Equal(["/smmu@5000000 0x17", "/smmu@5000000 0x18"], component.Specifiers());
        Assert.Equal(
            ["/reserved/region@80000000 /pci@1/0001:01:01.0", "/reserved/region@90000000 /acpi/_SB.MMC0"],
            board.ReservedMemory.Select(region => $"{region.Path} {Assert.Single(region.IommuAddresses).Device}"));
        Assert.Equal(["/smmu-v3@c000000 0x4108"], board.Node("/pci@1/0001:01:01.0").Specifiers());
    }

    [Fact]
    public void Viot_TheIommuItselfIsNotTranslated()
    {
        var board = Tables.Load(Tables.Viot());

        Assert.Equal("0000:00:02.0", board.Node("/virtio-iommu@0000:00:02.0").Name);
        Assert.Equal(["0x8 /virtio-iommu@0000:00:02.0 0x100 0x8", "0x11 /virtio-iommu@0000:00:02.0 0x109 0xef"], board.Node("/pci@0").MapEntries());
        Assert.Equal(["0x8 /virtio-iommu@0000:00:02.0 0x10100 0xf8"], board.Node("/pci@1").MapEntries());
        Assert.Equal(["/virtio-iommu@a000000 0x77"], board.Node("/acpi/b000000.mmio").Specifiers());
    }

    [Fact]
    public void Dmar_ScopesTheRestAndReservedMemory()
    {
        var board = Tables.Load(Tables.Dmar());

        Assert.Equal(Architecture.X86, board.Architecture);
        Assert.Equal(["dmar0", "dmar1"], board.Nodes.Where(node => node.IommuCells == 1).Select(node => node.Name));
        Assert.Equal(["/dmar@fed90000 0xfa"], board.Node("/pci@0/0000:00:1f.2").Specifiers());
        Assert.Equal(["/dmar@fed90000 0xf0"], board.Node("/acpi/_SB.I2C0").Specifiers());
        Assert.Equal(
            ["0x0 /dmar@fed91000 0x0 0x10", "0x11 /dmar@fed91000 0x11 0xe9", "0xfb /dmar@fed91000 0xfb 0xff05"],
            board.Node("/pci@0").MapEntries());
        var region = Assert.Single(board.ReservedMemory);
        Assert.Equal((0x7b800000ul, 0x800000ul), (region.Base, region.Length));
        Assert.Equal(new IommuAddressRange("/pci@0/0000:00:14.0", 0x7b800000, 0x800000), Assert.Single(region.IommuAddresses));
        Assert.Equal(["/dmar@fed91000 0xa0"], board.Node("/pci@0/0000:00:14.0").Specifiers());
    }

    [Fact]
    public void Ivrs_TheHighestFormCounts()
    {
        var board = Tables.Load(Tables.Ivrs());

        var iommu = Assert.Single(board.Nodes, node => node.IommuCells is not null);
        Assert.Equal("0000:00:00.2", iommu.Name);
        Assert.Equal(
            ["0x100 /amd-iommu@0000:00:00.2 0x100 0x100", .. Enumerable.Range(0x200, 4).Select(id => $"0x{id:x} /amd-iommu@0000:00:00.2 0x80 0x1")],
            board.Node("/pci@0").MapEntries());
        Assert.Equal(["/pci@0/0000:00:02.0"], board.Nodes.Where(node => node.Compatible[0] == PciFunctions.Compatible).Select(node => node.Path)); // Not the IOMMU itself.
        Assert.Equal(["/amd-iommu@0000:00:00.2 0x300"], board.Node("/acpi/AMDI0020:ID").Specifiers());
        Assert.Equal("/pci@0/0000:00:02.0", Assert.Single(Assert.Single(board.ReservedMemory).IommuAddresses).Device);
    }

    [Fact]
    public void Tables_OfOneMachine_ThroughYamlStayTheSame()
    {
        var board = Tables.Load(Tables.All);
        Assert.Equal(BoardText.Of(board), BoardText.Of(BoardReader.ParseYaml(BoardWriter.ToYaml(board), "test.yaml")));
    }

    [Fact]
    public void Viot_Alone_WarnsThatItDoesNotTellTheArchitecture()
    {
        var warnings = new List<BoardDiagnostic>();
        Tables.Load(warnings, Tables.Viot());
        Assert.Contains("architecture", Assert.Single(warnings).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Apic_TellsTheArchitecture()
    {
        var warnings = new List<BoardDiagnostic>();
        var apic = new TableSource("APIC").Zero(8).U8(0x0c).U8(24).Zero(22).ToArray();
        Assert.Equal(Architecture.Arm64, Tables.Load(warnings, Tables.Viot(), apic).Architecture);
        Assert.Empty(warnings);
    }

    [Fact]
    public void Refused_EveryTableSaysWhatIsWrong()
    {
        var (sum, cut, other) = (Tables.Iort(), Tables.Viot()[..60], new TableSource("FACP").ToArray());
        sum[9]++;
        Assert.Equal(
            [
                "0.bin @0x9: the bytes add up to 0x01, not to 0; the table is damaged: copy it again",
                "1.bin @0x4: the header says the table has 128 bytes, the file has 60; the file was cut short or is damaged: copy it again",
                "2.bin @0x0: a table 'FACP', which says nothing about IOMMUs; give IORT, VIOT, DMAR, IVRS, and APIC for the architecture",
            ],
            Tables.Refused(sum, cut, other).Select(diagnostic => diagnostic.ToString()));
    }

    [Fact]
    public void Refused_MappingToNowhere_NamesThePlace()
    {
        var table = Tables.Iort();
        table[^(20 + 20 - 12)] = 1; // The node that the last reserved range's mapping names.
        TableSource.Checksum(table);
        Assert.Equal($"0.bin @0x{table.Length - 28:x}", Assert.Single(Tables.Refused(table)).ToString().Split(':')[0]);
    }

    /// <summary>The real tables, where somebody has them beside the device trees.</summary>
    [Theory]
    [InlineData("aarch64-virt-IORT", 0, 0)]
    [InlineData("aarch64-virt-IORT-smmuv3-dev", 2, 1)]
    [InlineData("aarch64-virt-VIOT", 1, 1)]
    [InlineData("x86-q35-VIOT", 1, 1)]
    [InlineData("x86-q35-DMAR", 1, 5)]
    [InlineData("x86-q35-IVRS", 1, 5)]
    public void Real_CountsAreAsPublished(string name, int iommus, int masters)
    {
        var file = Path.Combine(BoardFiles.TreeDirectory, "..", "acpi", name + ".bin");
        if (!File.Exists(file))
        {
            // Nothing real to be had: what was built stands in.
            Assert.All(Tables.All, table => Assert.Contains(Tables.Load(table).Nodes, node => node.IommuCells is not null));
            return;
        }

        var board = BoardReader.Load(file);
        Assert.Equal((iommus, masters), (board.Nodes.Count(node => node.IommuCells is not null), board.Nodes.Count(node => !node.Iommus.IsEmpty || !node.IommuMap.IsEmpty)));
        Assert.Equal(BoardText.Of(board), BoardText.Of(BoardReader.ParseYaml(BoardWriter.ToYaml(board), "test.yaml")));
    }
}
