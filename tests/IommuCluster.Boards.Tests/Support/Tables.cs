using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>Tables with something of everything that their readers look at.</summary>
internal static class Tables
{
    private const uint Its = 48;
    private const uint SmmuV3At = Its + 24;
    private const uint SmmuAt = SmmuV3At + 88;

    internal static byte[][] All => [Iort(), Viot(), Dmar(), Ivrs()];

    internal static Board Load(params byte[][] tables) => Load(null, tables);

    internal static Board Load(List<BoardDiagnostic>? warnings, params byte[][] tables) => BoardReader.LoadAcpi(
        [.. tables.Select((table, number) => ($"{number}.bin", (ReadOnlyMemory<byte>)table))], "test", "a test", onWarning: warning => warnings?.Add(warning));

    internal static IReadOnlyList<BoardDiagnostic> Refused(params byte[][] tables) => Assert.Throws<BoardFormatException>(() => Load(tables)).Diagnostics;

    /// <summary>An ITS group, an SMMUv3, an MMU-500, a root complex behind the first, a named component behind the second, a reserved range of each.</summary>
    internal static byte[] Iort() => new TableSource("IORT").U32(7).U32(Its).U32(0)
        .U8(0).U16(24).U8(1).U32(0).U32(0).U32(0).U32(1).U32(0)
        .U8(4).U16(88).U8(4).U32(1).U32(1).U32(68).U64(0xc000000).U32(1).U32(0).U64(0).U32(0).U32(74).U32(0).U32(76).U32(77).U32(0).U32(0)
            .Mapping(0, 0xffff, 0, Its, 0)
        .U8(3).U16(80).U8(3).U32(2).U32(0).U32(0).U64(0x5000000).U64(0x10000).U32(3).U32(2).U32(60).U32(2).U32(64).U32(0).U32(0).Zero(20)
        .U8(2).U16(76).U8(3).U32(3).U32(2).U32(36).U32(1).U32(0).U32(0).U32(1).U8(64).Zero(3)
            .Mapping(0x100, 0xff, 0x4100, SmmuV3At, 0).Mapping(0x200, 0xfdff, 0x200, Its, 0)
        .U8(1).U16(96).U8(4).U32(4).U32(2).U32(56).U32(0).U32(0).U32(0).U8(40).Text(@"\_SB.MMC0", 27)
            .Mapping(0, 0, 0x17, SmmuAt, 1).Mapping(0, 0, 0x18, SmmuAt, 1)
        .U8(6).U16(68).U8(1).U32(5).U32(1).U32(28).U32(1).U32(1).U32(48)
            .Mapping(0, 0, 0x4108, SmmuV3At, 1).U64(0x80000000).U64(0x10000).U32(0)
        .U8(6).U16(68).U8(1).U32(6).U32(1).U32(28).U32(1).U32(1).U32(48)
            .Mapping(0, 3, 0x16, SmmuAt, 0).U64(0x90000000).U64(0x1000).U32(0)
        .ToArray();

    /// <summary>A PCI IOMMU inside the range that it translates, a second segment, an MMIO IOMMU with an endpoint.</summary>
    internal static byte[] Viot() => new TableSource("VIOT").U16(4).U16(48).Zero(8)
        .U8(3).U8(0).U16(16).U16(0).U16(0x10).Zero(8)
        .U8(4).U8(0).U16(16).Zero(4).U64(0xa000000)
        .U8(1).U8(0).U16(24).U32(0x100).U16(0).U16(1).U16(0x8).U16(0xff).U16(48).Zero(6)
        .U8(2).U8(0).U16(24).U32(0x77).U64(0xb000000).U16(64).Zero(6)
        .ToArray();

    /// <summary>A unit with two functions, an IOAPIC and a namespace device; one that takes the rest; a reserved region of a function of the rest.</summary>
    internal static byte[] Dmar() => new TableSource("DMAR").U8(47).U8(1).Zero(10)
        .U16(0).U16(48).U8(0).U8(0).U16(0).U64(0xfed90000)
            .Scope(3, 0, 0xff, 0, 0).Scope(1, 0, 0, 2, 0).Scope(1, 0, 0, 0x1f, 2).Scope(5, 1, 0, 0x1e, 0)
        .U16(0).U16(16).U8(1).U8(0).U16(0).U64(0xfed91000)
        .U16(1).U16(32).U16(0).U16(0).U64(0x7b800000).U64(0x7bffffff).Scope(1, 0, 0, 0x14, 0)
        .U16(4).U16(20).Zero(3).U8(1).Text(@"\_SB.I2C0", 12)
        .ToArray();

    /// <summary>An IOMMU in two forms; functions, a range, an alias range, a named device; unity-mapped memory.</summary>
    internal static byte[] Ivrs() => new TableSource("IVRS").U32(0x2801).Zero(8)
        .U8(0x10).U8(0).U16(28).U16(2).U16(0x40).U64(0xfed80000).U16(0).U16(0).U32(0).U8(1).Zero(3)
        .U8(0x11).U8(0).U16(40 + 8 + 8 + 12 + 8 + 24).U16(2).U16(0x40).U64(0xfed80000).U16(0).U16(0).U32(0).Zero(16)
            .U8(2).U16(2).U8(0).U8(2).U16(0x10).U8(0)
            .U8(3).U16(0x100).U8(0).U8(4).U16(0x1ff).U8(0)
            .U8(0x43).U16(0x200).U8(0).U8(0).U16(0x80).U8(0).U8(4).U16(0x203).U8(0)
            .U8(0x48).Zero(3).U8(0).U16(0xa0).U8(1)
            .U8(0xf0).U16(0x300).U8(0).Text("AMDI0020", 8).Zero(8).U8(2).U8(2).Text("ID", 2)
        .U8(0x21).U8(0x0f).U16(32).U16(0x10).U16(0).Zero(8).U64(0xa0000000).U64(0x2000)
        .ToArray();

    internal static TableSource Mapping(this TableSource table, uint input, uint last, uint output, uint node, uint flags) =>
        table.U32(input).U32(last).U32(output).U32(node).U32(flags);

    internal static TableSource Scope(this TableSource table, int type, int number, int bus, int device, int function) =>
        table.U8(type).U8(8).U16(0).U8(number).U8(bus).U8(device).U8(function);
}
