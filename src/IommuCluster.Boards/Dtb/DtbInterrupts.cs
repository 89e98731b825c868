namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Interrupts of a node and the controllers they go to (drivers/of/irq.c). Where a node's interrupt parent only hands
/// interrupts on (an <c>interrupt-map</c>), every controller in the map counts: a superset of what the kernel finds by
/// matching the one entry.
/// </summary>
internal sealed class DtbInterrupts(PhandleLists phandles)
{
    private const string CellsName = "#interrupt-cells";

    private readonly Dictionary<DtbNode, List<DtbNode>> _mapped = [];

    /// <summary>Number of interrupts; <c>interrupts-extended</c> wins over <c>interrupts</c>.</summary>
    internal int Count(DtbNode node)
    {
        if (node.Find("interrupts-extended") is { } extended)
        {
            return phandles.Read(node, extended, CellsName, required: false).Count;
        }

        if (node.Find("interrupts") is not { } interrupts || ParentOf(node)?.Cell(CellsName) is not { } cells || cells is 0 or > 16)
        {
            return 0;
        }

        return interrupts.Cells / (int)cells;
    }

    /// <summary>The controllers that one of a node's properties leads to; none when it is no property about interrupts.</summary>
    internal IEnumerable<DtbNode> Controllers(DtbNode node, DtbProperty property) => property.Name switch
    {
        "interrupts-extended" => phandles.Read(node, property, CellsName, required: false).SelectMany(entry => Behind(entry.Target)),
        "interrupts" when !node.Has("interrupts-extended") => ParentOf(node) is { } parent ? Behind(parent) : [],
        "interrupt-parent" when property.Cells > 0 && phandles.ByPhandle(property.Cell(0)) is { } parent => [parent],
        "interrupt-map" => Mapped(node),
        _ => [],
    };

    // of_irq_find_parent(): up the tree, following interrupt-parent, to the first node with #interrupt-cells.
    private DtbNode? ParentOf(DtbNode node)
    {
        var at = node;
        for (var step = 0; step < DtbLimits.Depth && at is not null; step++)
        {
            at = at.Cell("interrupt-parent") is { } phandle ? phandles.ByPhandle(phandle) : at.Parent;
            if (at is not null && at.Has(CellsName))
            {
                return at;
            }
        }

        return null;
    }

    private List<DtbNode> Behind(DtbNode parent) =>
        parent.Has("interrupt-map") && !parent.Has("interrupt-controller") ? Mapped(parent) : [parent];

    private List<DtbNode> Mapped(DtbNode nexus)
    {
        if (!_mapped.TryGetValue(nexus, out var controllers))
        {
            controllers = ReadMap(nexus);
            _mapped.Add(nexus, controllers);
        }

        return controllers;
    }

    // An entry: child unit address, child interrupt, parent, parent's unit address, parent's interrupt.
    private List<DtbNode> ReadMap(DtbNode nexus)
    {
        var controllers = new HashSet<DtbNode>();
        var childCells = (ulong)nexus.AddressCells + (nexus.Cell(CellsName) ?? 0);
        if (nexus.Find("interrupt-map") is not { } map)
        {
            return [];
        }

        for (ulong at = childCells; at < (ulong)map.Cells && controllers.Count < DtbLimits.MappedControllers;)
        {
            if (phandles.ByPhandle(map.Cell((int)at)) is not { } parent)
            {
                break;
            }

            controllers.Add(parent);
            at += 1 + (ulong)(parent.Cell("#address-cells") ?? 0) + (parent.Cell(CellsName) ?? 0) + childCells;
        }

        return [.. controllers];
    }
}
