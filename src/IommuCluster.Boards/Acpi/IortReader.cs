using System.Globalization;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Acpi;

/// <summary>
/// The I/O Remapping Table (Arm DEN 0049, E.e): SMMUs, root complexes and named components with their id mappings, reserved
/// memory ranges. What maps straight to an interrupt translation service goes around every SMMU.
/// </summary>
internal sealed class IortReader
{
    private const int NodeHeaderBytes = 16;
    private const int MappingBytes = 20;
    private const int RangeBytes = 20;
    private const byte NamedComponent = 1;
    private const byte RootComplex = 2;
    private const byte Smmu = 3;
    private const byte SmmuV3 = 4;
    private const byte PerformanceMonitor = 5;
    private const byte ReservedRange = 6;
    private const uint SingleMapping = 1;

    private static readonly string[] s_models = ["arm,smmu-v1", "arm,smmu-v2", "arm,mmu-400", "arm,mmu-500", "arm,mmu-401", "cavium,smmu-v2"];

    private readonly AcpiTable _table;
    private readonly AcpiBoard _board;
    private readonly Dictionary<int, AcpiSpan> _nodes = [];
    private readonly List<int> _order = [];
    private readonly Dictionary<int, AcpiBoard.Part> _iommus = [];
    private readonly List<StreamRange> _streams = [];
    private int _platformDevices;
    private int _regionWork;

    private IortReader(AcpiTable table, AcpiBoard board)
    {
        _table = table;
        _board = board;
    }

    /// <summary>Reads the table into a board.</summary>
    internal static void Read(AcpiTable table, AcpiBoard board)
    {
        var reader = new IortReader(table, board);
        reader.CollectNodes();
        reader.Each(reader.ReadIommu);
        reader.Each(reader.ReadMaster);
        reader.Each(reader.ReadReserved);
    }

    private void CollectNodes()
    {
        var count = _table.Whole.U32(36, "the number of nodes");
        long at = _table.Whole.U32(40, "the offset of the nodes");
        for (var i = 0L; i < count; i++)
        {
            var length = _table.Whole.Slice(at, 3, $"the header of node {i}").U16(1, "the length of a node");
            if (length < NodeHeaderBytes)
            {
                throw _table.Bag.Fatal($"node {i} has a length of {length} bytes", $"a node has at least {NodeHeaderBytes}: the table is damaged", at + 1);
            }

            _nodes.Add((int)at, _table.Whole.Slice(at, length, $"node {i}"));
            _order.Add((int)at);
            at += length;
        }
    }

    private void Each(Action<int, AcpiSpan> read)
    {
        foreach (var at in _order)
        {
            read(at, _nodes[at]);
        }
    }

    // Linux makes a platform device of each SMMU and of each performance monitor; one counter numbers them all.
    private void ReadIommu(int at, AcpiSpan node)
    {
        switch (node.U8(0, "a node's type"))
        {
            case Smmu:
                var model = node.U32(32, "an SMMU's model");
                if (model >= s_models.Length)
                {
                    _table.Bag.Warning($"an SMMU of the unknown model {model}", "it is read as an SMMUv2", node.Offset + 32);
                    model = 1;
                }

                var smmu = AddSmmu(node, "smmu", "arm-smmu", s_models[model]);
                smmu.Interrupts = (int)Math.Min(node.U32(44, "an SMMU's number of context interrupts"), 1_024) + 1;
                smmu.GlobalInterrupts = 1;
                smmu.Coherent = (node.U32(36, "an SMMU's flags") & 2) != 0 ? true : null;
                _iommus.Add(at, smmu);
                break;
            case SmmuV3:
                var v3 = AddSmmu(node, "smmu-v3", "arm-smmu-v3", "arm,smmu-v3");
                for (var line = 0; line < 4; line++)
                {
                    v3.Interrupts += node.U32(44 + (4 * line), "an SMMUv3's interrupts") != 0 ? 1 : 0;
                }

                v3.Coherent = (node.U32(24, "an SMMUv3's flags") & 1) != 0 ? true : null;
                _iommus.Add(at, v3);
                break;
            case PerformanceMonitor:
                _platformDevices++;
                break;
        }
    }

    private AcpiBoard.Part AddSmmu(AcpiSpan node, string kind, string driver, string compatible)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{driver}.{_platformDevices++}.auto");
        return _board.AddIommu(_table, node.Offset, kind, $"{node.U64(16, "an SMMU's address"):x}", name, compatible);
    }

    private void ReadMaster(int at, AcpiSpan node)
    {
        switch (node.U8(0, "a node's type"))
        {
            case NamedComponent:
                var component = _board.AddComponent(_table, node.Offset, node.Text(29, "a named component's name"));
                component.Coherent = Coherency(node, 20);
                EachMapping(node, mapping => AddComponentMapping(component, mapping));
                break;
            case RootComplex:
                var segment = node.U32(28, "a root complex's segment");
                if (segment > ushort.MaxValue)
                {
                    throw _table.Bag.Fatal($"a root complex of segment {segment}", $"segments go up to {ushort.MaxValue}: the table is damaged", node.Offset + 28);
                }

                var host = _board.HostOf(_table, node.Offset, (int)segment);
                host.Bridge.Coherent = Coherency(node, 16);
                EachMapping(node, mapping => AddHostMapping(host, (int)segment, mapping));
                break;
        }
    }

    private static bool? Coherency(AcpiSpan node, int at) => node.U32(at, "a node's cache coherency") == 1;

    private void AddComponentMapping(AcpiBoard.Part component, Mapping mapping)
    {
        if ((mapping.Flags & SingleMapping) != 0)
        {
            component.Iommus.Add(new IommuSpecifier(mapping.Iommu.Path, [mapping.Output]));
            _streams.Add(new StreamRange(mapping.Iommu, mapping.Output, 1, _ => component));
        }
        else
        {
            component.Map.Add(EntryOf(mapping));
            _streams.Add(new StreamRange(mapping.Iommu, mapping.Output, mapping.Length, _ => component));
        }
    }

    private void AddHostMapping(AcpiBoard.Host host, int segment, Mapping mapping)
    {
        host.Bridge.Map.Add(EntryOf(mapping));
        _streams.Add(new StreamRange(mapping.Iommu, mapping.Output, mapping.Length, distance =>
            mapping.Input + (ulong)distance <= ushort.MaxValue ? _board.FunctionAt(_table, mapping.Offset, segment, (int)(mapping.Input + distance)) : null));
    }

    private static IommuMapEntry EntryOf(Mapping mapping) => new(mapping.Input, mapping.Iommu.Path, [mapping.Output], mapping.Length);

    /// <summary>A node's mappings to SMMUs. The table counts ids less one.</summary>
    private void EachMapping(AcpiSpan node, Action<Mapping> add)
    {
        var count = node.U32(8, "a node's number of mappings");
        long first = node.U32(12, "the offset of a node's mappings");
        for (var i = 0L; i < count; i++)
        {
            var mapping = node.Slice(first + (i * MappingBytes), MappingBytes, $"mapping {i} of a node");
            _board.CountEntry(_table, mapping.Offset);
            var target = mapping.U32(12, "the node that a mapping names");
            if (target > int.MaxValue || !_nodes.ContainsKey((int)target))
            {
                _table.Bag.Error($"mapping {i} of the node at 0x{node.Offset:x} names a node at 0x{target:x}", "no node begins there: the table is damaged", mapping.Offset + 12);
                continue;
            }

            if (_iommus.TryGetValue((int)target, out var iommu))
            {
                var last = mapping.U32(4, "a mapping's number of ids");
                var length = last == uint.MaxValue ? last : last + 1;
                add(new Mapping(mapping.Offset, mapping.U32(0, "a mapping's first id"), length, mapping.U32(8, "a mapping's output"), iommu, mapping.U32(16, "a mapping's flags")));
            }
        }
    }

    // A reserved range names streams of an SMMU; its masters are those that have them.
    private void ReadReserved(int at, AcpiSpan node)
    {
        if (node.U8(0, "a node's type") != ReservedRange)
        {
            return;
        }

        var masters = new List<AcpiBoard.Part>();
        EachMapping(node, mapping =>
        {
            var length = (mapping.Flags & SingleMapping) != 0 ? 1 : mapping.Length;
            _regionWork += _streams.Count;
            if (_regionWork > AcpiLimits.RegionWork)
            {
                throw _table.Bag.Fatal("too many mappings of reserved nodes", "no machine has so many: the table is damaged", mapping.Offset);
            }

            masters.AddRange(_streams.Where(stream => stream.Iommu == mapping.Iommu).SelectMany(stream => stream.Within(mapping.Output, length)).Take(AcpiLimits.RegionMasters));
        });
        var count = node.U32(20, "a reserved node's number of ranges");
        long first = node.U32(24, "the offset of a reserved node's ranges");
        for (var i = 0L; i < count; i++)
        {
            var range = node.Slice(first + (i * RangeBytes), RangeBytes, $"range {i} of a reserved node");
            _board.CountEntry(_table, range.Offset);
            _board.AddRegion(_table, range.Offset, range.U64(0, "a range's start"), range.U64(8, "a range's length"), [.. masters.Distinct()]);
        }
    }

    private readonly record struct Mapping(int Offset, uint Input, uint Length, uint Output, AcpiBoard.Part Iommu, uint Flags);

    /// <summary>Streams of an SMMU and whose they are, by the distance from the first.</summary>
    private sealed record StreamRange(AcpiBoard.Part Iommu, uint First, uint Length, Func<uint, AcpiBoard.Part?> MasterAt)
    {
        internal IEnumerable<AcpiBoard.Part> Within(uint first, uint length)
        {
            var from = Math.Max((ulong)First, first);
            var to = Math.Min(Math.Min((ulong)First + Length, (ulong)first + length), from + AcpiLimits.RegionMasters);
            for (var id = from; id < to; id++)
            {
                if (MasterAt((uint)(id - First)) is { } master)
                {
                    yield return master;
                }
            }
        }
    }
}
