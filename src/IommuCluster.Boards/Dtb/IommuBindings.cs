using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Reads <c>#iommu-cells</c>, <c>iommus</c> and <c>iommu-map</c>. A map's output is one cell up to Linux 7.1 whatever
/// <c>#iommu-cells</c> says, and <c>#iommu-cells</c> cells from 7.2 on: <see cref="ReadMap"/> tells which a file means.
/// </summary>
internal sealed class IommuBindings(PhandleLists phandles, DiagnosticBag bag)
{
    private const string CellsName = "#iommu-cells";

    // MAX_PHANDLE_ARGS of the kernel.
    private const uint MaxCells = 16;

    /// <summary>True when a node is an IOMMU or a master.</summary>
    internal static bool Involve(DtbNode node) => node.Has(CellsName) || node.Has("iommus") || node.Has("iommu-map");

    /// <summary><c>#iommu-cells</c>, or null when the node is no IOMMU.</summary>
    internal int? ReadCells(DtbNode node)
    {
        if (node.Find(CellsName) is not { } property)
        {
            return null;
        }

        if (property.Cells == 1 && property.Cell(0) <= MaxCells)
        {
            return (int)property.Cell(0);
        }

        bag.Error($"{node.Path}: {CellsName} is no number up to {MaxCells}", "write one cell, as in `#iommu-cells = <1>;`", property.Offset);
        return null;
    }

    /// <summary>The specifiers of <c>iommus</c>, in order.</summary>
    internal ImmutableArray<IommuSpecifier> ReadSpecifiers(DtbNode node)
    {
        if (node.Find("iommus") is not { } list)
        {
            return [];
        }

        var entries = phandles.Read(node, list, CellsName, required: true);
        return [.. entries.Select(entry => new IommuSpecifier(entry.Target.Path, Cells(list, entry.FirstArgument, entry.Arguments)))];
    }

    /// <summary>
    /// The entries of <c>iommu-map</c>, in order. First the kernel's own test for a map of the old form in front of a
    /// two-cell IOMMU (four cells an entry, one IOMMU, every length 1), then the new form, then the old form as 7.1
    /// and before would read it.
    /// </summary>
    /// <param name="node">The node that has the map.</param>
    /// <param name="targets">Receives the IOMMU nodes named.</param>
    internal ImmutableArray<IommuMapEntry> ReadMap(DtbNode node, ICollection<DtbNode> targets)
    {
        if (node.Find("iommu-map") is not { } map)
        {
            return [];
        }

        var old = TryRead(map, _ => 1);
        var current = TryRead(map, target => target.Cell(CellsName) ?? 1);
        var entries = (old, current) switch
        {
            ({ } o, _) when IsLegacy(o) => o,
            (_, { } c) when c.TrueForAll(entry => entry.Cells <= 1 || entry.Length <= 1) => c,
            ({ } o, _) => o,
            (_, { } c) => c,
            _ => null,
        };
        if (entries is null)
        {
            Malformed(node, map);
            return [];
        }

        CheckMask(node, map, entries);
        foreach (var entry in entries)
        {
            targets.Add(entry.Target);
        }

        return [.. entries.Select(entry => new IommuMapEntry(entry.IdBase, entry.Target.Path, Cells(map, entry.At + 2, entry.Cells), entry.Length))];
    }

    /// <summary><c>iommu-map-mask</c>, all ones when absent.</summary>
    internal static uint ReadMask(DtbNode node) => node.Cell("iommu-map-mask") ?? uint.MaxValue;

    private static bool IsLegacy(List<MapEntry> entries) => entries.TrueForAll(
        entry => entry.Length == 1 && entry.Target == entries[0].Target && entry.Target.Cell(CellsName) == 2);

    private List<MapEntry>? TryRead(DtbProperty map, Func<DtbNode, uint> outputCells)
    {
        var entries = new List<MapEntry>();
        for (var at = 0; at < map.Cells;)
        {
            if (at + 1 >= map.Cells || phandles.ByPhandle(map.Cell(at + 1)) is not { } target)
            {
                return null;
            }

            var cells = outputCells(target);
            if (cells > MaxCells || at + 3 + cells > map.Cells)
            {
                return null;
            }

            var length = map.Cell(at + 2 + (int)cells);
            entries.Add(new MapEntry(map.Cell(at), target, at, (int)cells, length));
            at += 3 + (int)cells;
        }

        return map.Value.Length % 4 == 0 ? entries : null;
    }

    private void Malformed(DtbNode node, DtbProperty map)
    {
        var reason = map.Cells < 2 || phandles.ByPhandle(map.Cell(1)) is not null
            ? $"{map.Value.Length} bytes are no whole entries"
            : $"no node has phandle 0x{map.Cell(1):x}";
        bag.Error(
            $"{node.Path}: iommu-map: {reason}",
            "an entry is an id, an IOMMU, an output of one cell (Linux 7.2: of #iommu-cells cells) and a length", map.Offset);
    }

    private void CheckMask(DtbNode node, DtbProperty map, List<MapEntry> entries)
    {
        var mask = ReadMask(node);
        foreach (var entry in entries.Where(entry => (entry.IdBase & ~mask) != 0))
        {
            bag.Warning(
                $"{node.Path}: iommu-map: id 0x{entry.IdBase:x} has bits outside iommu-map-mask 0x{mask:x}",
                "the kernel answers -EFAULT: widen the mask", map.CellOffset(entry.At));
        }
    }

    private static ImmutableArray<uint> Cells(DtbProperty list, int first, int count)
    {
        var cells = ImmutableArray.CreateBuilder<uint>(count);
        for (var i = 0; i < count; i++)
        {
            cells.Add(list.Cell(first + i));
        }

        return cells.MoveToImmutable();
    }

    private readonly record struct MapEntry(uint IdBase, DtbNode Target, int At, int Cells, uint Length);
}
