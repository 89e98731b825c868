using System.Collections.Immutable;
using System.Text;
using IommuCluster.Boards.Yaml;
using IommuCluster.Kernel.Drivers;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards;

/// <summary>Tells a board to people: IOMMUs, masters and specifiers in the order and numbers of the device tree's source.</summary>
public static class BoardReport
{
    /// <summary>The report as text, lines ended by a line feed.</summary>
    public static string Write(Board board)
    {
        ArgumentNullException.ThrowIfNull(board);
        var text = new StringBuilder();
        WriteHead(text, board);
        Section(text, "IOMMUs", board.Nodes.Where(node => node.IommuCells is not null), WriteIommu);
        Section(text, "Masters", board.Nodes.Where(IsMaster), WriteMaster);
        Section(text, "Reserved memory", board.ReservedMemory, WriteRegion);
        Section(text, "Groups of the running machine", board.LiveGroups, WriteGroup);
        return text.ToString();
    }

    private static bool IsMaster(FirmwareNode node) => !node.Iommus.IsEmpty || !node.IommuMap.IsEmpty;

    private static void WriteHead(StringBuilder text, Board board)
    {
        var iommus = board.Nodes.Count(node => node.IommuCells is not null);
        var enabledIommus = board.Nodes.Count(node => node.IommuCells is not null && node.Enabled);
        Line(text, "", $"{board.Name}: {board.Model}");
        Line(text, "", $"  compatible    {string.Join(", ", board.Compatible)}");
        Line(text, "", $"  architecture  {Keys.Architectures.First(pair => pair.Value == board.Architecture).Key}");
        Line(text, "", $"  source        {board.Source}");
        Line(
            text, "",
            $"  nodes         {board.Nodes.Length}: {iommus} IOMMUs ({enabledIommus} enabled), "
            + $"{board.Nodes.Count(IsMaster)} masters ({board.Nodes.Count(node => IsMaster(node) && node.Enabled)} enabled)");
    }

    private static void Section<T>(StringBuilder text, string title, IEnumerable<T> entries, Action<StringBuilder, T> write)
    {
        var any = false;
        foreach (var entry in entries)
        {
            if (!any)
            {
                text.Append('\n').Append(title).Append('\n');
                any = true;
            }

            write(text, entry);
        }
    }

    private static void WriteIommu(StringBuilder text, FirmwareNode node)
    {
        WriteNode(text, node);
        var facts = new List<string> { $"#iommu-cells {node.IommuCells}", Count(node.Registers, "register range"), Count(node.Interrupts, "interrupt") };
        if (node.GlobalInterrupts > 0)
        {
            facts[^1] += $" ({node.GlobalInterrupts} global)";
        }

        if (node.StreamMatchMask != 0)
        {
            facts.Add($"stream-match-mask 0x{node.StreamMatchMask:x}");
        }

        Line(text, "      ", string.Join(", ", facts));
        Line(text, "      driver  ", IommuDrivers.ModelOf(node) switch
        {
            null => "none in the model: it never registers, its masters wait for it",
            { IsPlain: true, Driver: var driver } => $"{driver}: plain (pages and groups of one device; nothing special about this kind is modelled)",
            { Driver: var driver } => driver,
        });
        WriteNeeds(text, node.Suppliers);
    }

    private static void WriteGroup(StringBuilder text, LiveGroup group) =>
        Line(text, "  ", $"{group.Number}  {(group.Type.Length > 0 ? group.Type : "(type not told)")}  {string.Join(", ", group.Devices)}");

    private static void WriteMaster(StringBuilder text, FirmwareNode node)
    {
        WriteNode(text, node);
        foreach (var specifier in node.Iommus)
        {
            Line(text, "      iommus  ", $"<{specifier.Iommu}{Cells(specifier.Cells)}>");
        }

        foreach (var entry in node.IommuMap)
        {
            Line(text, "      iommu-map  ", $"<0x{entry.IdBase:x} {entry.Iommu}{Cells(entry.Cells)} 0x{entry.Length:x}>");
        }

        if (node.IommuMapMask != uint.MaxValue)
        {
            Line(text, "      iommu-map-mask  ", $"0x{node.IommuMapMask:x}");
        }

        WriteNeeds(text, node.Suppliers);
    }

    private static void WriteNode(StringBuilder text, FirmwareNode node)
    {
        var coherent = node.DmaCoherent is { } value ? value ? "  dma-coherent" : "  dma-noncoherent" : "";
        Line(text, "  ", $"{node.Path}  {node.Name}{(node.Enabled ? "" : "  DISABLED")}{coherent}");
        if (!node.Compatible.IsEmpty)
        {
            Line(text, "      ", string.Join(", ", node.Compatible));
        }
    }

    private static void WriteNeeds(StringBuilder text, ImmutableArray<Supplier> suppliers)
    {
        foreach (var kind in suppliers.GroupBy(supplier => supplier.Kind))
        {
            Line(text, "      needs   ", $"{Keys.SupplierNames[kind.Key]}: {string.Join(", ", kind.Select(supplier => supplier.Node))}");
        }
    }

    private static void WriteRegion(StringBuilder text, ReservedRegion region)
    {
        Line(text, "  ", region.Base is { } start ? $"{region.Path}  0x{start:x} + 0x{region.Length:x}" : region.Path);
        foreach (var range in region.IommuAddresses)
        {
            Line(text, "      iommu-addresses  ", $"{range.Device} 0x{range.Start:x} + 0x{range.Length:x}");
        }

        if (!region.Users.IsEmpty)
        {
            Line(text, "      users   ", string.Join(", ", region.Users));
        }
    }

    private static string Cells(ImmutableArray<uint> cells) => string.Concat(cells.Select(cell => $" 0x{cell:x}"));

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static void Line(StringBuilder text, string start, string rest) => text.Append(start).Append(rest).Append('\n');
}
