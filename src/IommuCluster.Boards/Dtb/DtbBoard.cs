using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Dtb;

/// <summary>Makes a <see cref="Board"/> of a device tree: facts the kernel would read from it, nothing guessed.</summary>
internal sealed class DtbBoard
{
    private readonly DtbTree _tree;
    private readonly DiagnosticBag _bag;
    private readonly IommuBindings _iommus;
    private readonly DtbNames _names;
    private readonly DtbInterrupts _interrupts;
    private readonly DtbCoherency _coherency;
    private readonly DtbReservedMemory _reserved;
    private readonly SupplierBindings _suppliers;
    private readonly DtbDevices _devices;
    private readonly Dictionary<DtbNode, ImmutableArray<IommuMapEntry>> _maps = [];
    private readonly Dictionary<DtbNode, bool> _enabled = [];

    private DtbBoard(DtbTree tree, DiagnosticBag bag)
    {
        var phandles = new PhandleLists(tree, bag);
        _tree = tree;
        _bag = bag;
        _iommus = new IommuBindings(phandles, bag);
        _names = new DtbNames(new DtbAddresses(bag));
        _interrupts = new DtbInterrupts(phandles);
        _coherency = new DtbCoherency(phandles);
        _reserved = new DtbReservedMemory(tree, phandles, bag);
        _devices = new DtbDevices(tree, ReadNamed());
        _suppliers = new SupplierBindings(tree, phandles, _interrupts, _devices);
    }

    /// <summary>Converts a tree.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="name">The board's short name.</param>
    /// <param name="source">Where it was read, for people.</param>
    /// <param name="bag">Receives errors and warnings; the board is no good when it has errors.</param>
    internal static Board Convert(DtbTree tree, string name, string source, DiagnosticBag bag)
    {
        var reader = new DtbBoard(tree, bag);
        return new Board(
            name,
            tree.Root.Find("model")?.Text() ?? "",
            [.. tree.Root.Compatible()],
            DtbArchitecture.Read(tree, bag),
            source,
            [.. tree.Nodes.Where(reader._devices.Contains).Select(reader.ReadNode)],
            reader._reserved.ReadRegions(reader._devices));
    }

    private HashSet<DtbNode> ReadNamed()
    {
        var named = new HashSet<DtbNode>();
        foreach (var node in _tree.Nodes)
        {
            _maps.Add(node, _iommus.ReadMap(node, named));
        }

        _reserved.ReadAddresses(named);
        return named;
    }

    private FirmwareNode ReadNode(DtbNode node) => new(
        node.Path,
        _names.Name(node),
        [.. node.Compatible()],
        IsEnabled(node),
        _iommus.ReadCells(node),
        DtbAddresses.RegisterCount(node),
        _interrupts.Count(node),
        ReadGlobalInterrupts(node),
        node.Cell("stream-match-mask") ?? 0,
        _iommus.ReadSpecifiers(node),
        _maps[node],
        IommuBindings.ReadMask(node),
        _suppliers.Read(node),
        _coherency.Read(node));

    private int ReadGlobalInterrupts(DtbNode node)
    {
        var value = node.Cell("#global-interrupts") ?? 0;
        if (value > ushort.MaxValue)
        {
            _bag.Error($"{node.Path}: #global-interrupts is {value}", $"write a number up to {ushort.MaxValue}", node.Find("#global-interrupts")?.Offset);
            return 0;
        }

        return (int)value;
    }

    private bool IsEnabled(DtbNode node)
    {
        if (!_enabled.TryGetValue(node, out var enabled))
        {
            enabled = node.IsAvailable() && (node.Parent is not { } parent || IsEnabled(parent));
            _enabled.Add(node, enabled);
        }

        return enabled;
    }
}
