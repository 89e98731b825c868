using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Acpi;

/// <summary>The Virtual I/O Translation Table (ACPI 6.5, 5.2.34): virtio-iommus, PCI ranges and MMIO endpoints behind them.</summary>
internal sealed class ViotReader
{
    private const byte PciRange = 1;
    private const byte MmioEndpoint = 2;
    private const byte PciIommu = 3;
    private const byte MmioIommu = 4;

    private readonly AcpiTable _table;
    private readonly AcpiBoard _board;
    private readonly List<AcpiSpan> _nodes = [];
    private readonly Dictionary<int, (AcpiBoard.Part Part, int Segment, int RequesterId)> _iommus = [];

    private ViotReader(AcpiTable table, AcpiBoard board)
    {
        _table = table;
        _board = board;
    }

    /// <summary>Reads the table into a board.</summary>
    internal static void Read(AcpiTable table, AcpiBoard board)
    {
        var reader = new ViotReader(table, board);
        reader.CollectNodes();
        reader._nodes.ForEach(reader.ReadIommu);
        reader._nodes.ForEach(reader.ReadEndpoint);
    }

    private void CollectNodes()
    {
        var count = _table.Whole.U16(36, "the number of nodes");
        int at = _table.Whole.U16(38, "the offset of the nodes");
        for (var i = 0; i < count; i++)
        {
            var length = _table.Whole.Slice(at, 4, $"the header of node {i}").U16(2, "the length of a node");
            if (length < 16)
            {
                throw _table.Bag.Fatal($"node {i} has a length of {length} bytes", "a node has at least 16: the table is damaged", at + 2);
            }

            _nodes.Add(_table.Whole.Slice(at, length, $"node {i}"));
            at += length;
        }
    }

    private void ReadIommu(AcpiSpan node)
    {
        switch (node.U8(0, "a node's type"))
        {
            case PciIommu:
                var (segment, id) = (node.U16(4, "an IOMMU's segment"), node.U16(6, "an IOMMU's PCI address"));
                var name = PciFunctions.NameOf(segment, id);
                _iommus.Add(node.Offset, (_board.AddIommu(_table, node.Offset, "virtio-iommu", name, name, "virtio,pci-iommu"), segment, id));
                break;
            case MmioIommu:
                var address = node.U64(8, "an IOMMU's address");
                _iommus.Add(node.Offset, (_board.AddIommu(_table, node.Offset, "virtio-iommu", $"{address:x}", $"{address:x}.virtio_mmio", "virtio,mmio"), -1, -1));
                break;
        }
    }

    private void ReadEndpoint(AcpiSpan node)
    {
        switch (node.U8(0, "a node's type"))
        {
            case PciRange when IommuOf(node, 16) is { } iommu:
                ReadRange(node, iommu);
                break;
            case MmioEndpoint when IommuOf(node, 16) is { } iommu:
                _board.CountEntry(_table, node.Offset);
                var endpoint = _board.AddComponent(_table, node.Offset, $"{node.U64(8, "an endpoint's address"):x}.mmio");
                endpoint.Iommus.Add(new IommuSpecifier(iommu.Part.Path, [node.U32(4, "an endpoint's id")]));
                break;
        }
    }

    // Endpoint id: first id of the range + (segment - first segment) << 16 + (PCI address - first PCI address).
    private void ReadRange(AcpiSpan node, (AcpiBoard.Part Part, int Segment, int RequesterId) iommu)
    {
        var endpoint = node.U32(4, "a range's first endpoint id");
        var (firstSegment, lastSegment) = (node.U16(8, "a range's first segment"), node.U16(10, "a range's last segment"));
        var (first, last) = (node.U16(12, "a range's first PCI address"), node.U16(14, "a range's last PCI address"));
        if (lastSegment < firstSegment || last < first || lastSegment - firstSegment >= AcpiLimits.Segments)
        {
            _table.Bag.Error(
                $"a PCI range from {firstSegment:x}:{first:x} to {lastSegment:x}:{last:x}",
                $"a range goes upwards, over {AcpiLimits.Segments} segments at most: the table is damaged", node.Offset + 8);
            return;
        }

        for (int segment = firstSegment; segment <= lastSegment; segment++)
        {
            var output = unchecked(endpoint + ((uint)(segment - firstSegment) << 16));
            var host = _board.HostOf(_table, node.Offset, segment);
            foreach (var (from, to) in Without(first, last, segment == iommu.Segment ? iommu.RequesterId : -1))
            {
                _board.CountEntry(_table, node.Offset);
                host.Bridge.Map.Add(new IommuMapEntry((uint)from, iommu.Part.Path, [unchecked(output + (uint)(from - first))], (uint)(to - from + 1)));
            }
        }
    }

    // The IOMMU itself is never translated, although a range may contain it.
    private static IEnumerable<(int From, int To)> Without(int first, int last, int hole)
    {
        if (hole < first || hole > last)
        {
            yield return (first, last);
            yield break;
        }

        if (hole > first)
        {
            yield return (first, hole - 1);
        }

        if (hole < last)
        {
            yield return (hole + 1, last);
        }
    }

    private (AcpiBoard.Part Part, int Segment, int RequesterId)? IommuOf(AcpiSpan node, int at)
    {
        var target = node.U16(at, "the node of an endpoint's IOMMU");
        if (_iommus.TryGetValue(target, out var iommu))
        {
            return iommu;
        }

        _table.Bag.Error($"the endpoint at 0x{node.Offset:x} names an IOMMU at 0x{target:x}", "no IOMMU's node begins there: the table is damaged", node.Offset + at);
        return null;
    }
}
