using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>Shorthands for reading what a test built.</summary>
internal static class Loading
{
    internal static Board Load(this DtbSource source, List<BoardDiagnostic>? warnings = null) => Load(source.Flatten(), warnings);

    internal static Board Load(byte[] data, List<BoardDiagnostic>? warnings = null) =>
        BoardReader.LoadDtb(data, "test", "a test", "test.dtb", warning => warnings?.Add(warning));

    internal static IReadOnlyList<BoardDiagnostic> Refused(byte[] data) =>
        Assert.Throws<BoardFormatException>(() => Load(data)).Diagnostics;

    internal static IReadOnlyList<BoardDiagnostic> Refused(this DtbSource source) => Refused(source.Flatten());

    internal static FirmwareNode Node(this Board board, string path) => Assert.Single(board.Nodes, node => node.Path == path);

    /// <summary>Specifiers as people write them: <c>/iommu 0x300 0x0</c>.</summary>
    internal static string[] Specifiers(this FirmwareNode node) =>
        [.. node.Iommus.Select(specifier => string.Join(' ', [specifier.Iommu, .. specifier.Cells.Select(cell => $"0x{cell:x}")]))];

    /// <summary>Map entries as people write them: <c>0x0 /iommu 0x1c80 0x1</c>.</summary>
    internal static string[] MapEntries(this FirmwareNode node) =>
        [.. node.IommuMap.Select(entry => string.Join(' ', [$"0x{entry.IdBase:x}", entry.Iommu, .. entry.Cells.Select(cell => $"0x{cell:x}"), $"0x{entry.Length:x}"]))];

    /// <summary>Suppliers as <c>Kind /path</c>.</summary>
    internal static string[] Needs(this FirmwareNode node) => [.. node.Suppliers.Select(supplier => $"{supplier.Kind} {supplier.Node}")];
}
