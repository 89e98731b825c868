using System.Globalization;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Acpi;

/// <summary>
/// The DMA Remapping table (Intel VT-d specification 4.1, chapter 8): remapping units with the functions they translate,
/// regions that must stay mapped. Interrupt remapping (IOAPICs, HPETs) is not looked at.
/// </summary>
internal sealed class DmarReader
{
    private const int FirstStructure = 48;
    private const ushort HardwareUnit = 0;
    private const ushort ReservedMemory = 1;
    private const ushort NamespaceDevice = 4;
    private const byte Endpoint = 1;
    private const byte Bridge = 2;
    private const byte NamespaceScope = 5;

    private readonly AcpiTable _table;
    private readonly AcpiBoard _board;
    private readonly List<(ushort Type, AcpiSpan Span)> _structures = [];
    private readonly Dictionary<int, string> _namespaceDevices = [];
    private readonly HashSet<(int Segment, int RequesterId)> _scoped = [];
    private readonly HashSet<int> _rest = [];
    private int _units;

    private DmarReader(AcpiTable table, AcpiBoard board)
    {
        _table = table;
        _board = board;
    }

    /// <summary>Reads the table into a board.</summary>
    internal static void Read(AcpiTable table, AcpiBoard board)
    {
        var reader = new DmarReader(table, board);
        reader.CollectStructures();
        reader.Each(NamespaceDevice, span => reader._namespaceDevices.TryAdd(span.U8(7, "a device's number"), span.Text(8, "a device's name")));
        var units = new List<(AcpiBoard.Part Unit, AcpiSpan Span)>();
        reader.Each(HardwareUnit, span => units.Add((reader.AddUnit(span), span)));
        units.ForEach(unit => reader.ReadScopes(unit.Span, 16, unit.Span.U16(6, "a unit's segment"), unit.Unit));

        // A unit that takes all that is left comes last.
        units.ForEach(unit => reader.ReadRest(unit.Span, unit.Unit));
        reader.Each(ReservedMemory, reader.ReadReserved);
    }

    private void CollectStructures()
    {
        for (var at = FirstStructure; at < _table.Whole.Length;)
        {
            var head = _table.Whole.Slice(at, 4, "the header of a structure");
            var length = head.U16(2, "the length of a structure");
            if (length < 4)
            {
                throw _table.Bag.Fatal($"a structure has a length of {length} bytes", "a structure has at least 4: the table is damaged", at + 2);
            }

            _structures.Add((head.U16(0, "a structure's type"), _table.Whole.Slice(at, length, "a structure")));
            at += length;
        }
    }

    private void Each(ushort type, Action<AcpiSpan> read)
    {
        foreach (var (_, span) in _structures.Where(structure => structure.Type == type))
        {
            read(span);
        }
    }

    private AcpiBoard.Part AddUnit(AcpiSpan span)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"dmar{_units++}");
        return _board.AddIommu(_table, span.Offset, "dmar", $"{span.U64(8, "a unit's address"):x}", name, "intel,vt-d");
    }

    private void ReadScopes(AcpiSpan span, int first, int segment, AcpiBoard.Part unit)
    {
        foreach (var (type, number, id) in Scopes(span, first))
        {
            _board.CountEntry(_table, span.Offset);
            var master = type == NamespaceScope
                ? _board.AddComponent(_table, span.Offset, _namespaceDevices.GetValueOrDefault(number) ?? $"namespace-device-{number}")
                : _board.FunctionAt(_table, span.Offset, segment, id);
            if (type == NamespaceScope || _scoped.Add((segment, id)))
            {
                master.Iommus.Add(new IommuSpecifier(unit.Path, [(uint)id]));
            }
        }
    }

    private void ReadRest(AcpiSpan span, AcpiBoard.Part unit)
    {
        if ((span.U8(4, "a unit's flags") & 1) == 0)
        {
            return;
        }

        var segment = span.U16(6, "a unit's segment");
        if (!_rest.Add(segment))
        {
            _table.Bag.Warning($"a second unit that takes all that is left of segment {segment}", "the first one has it all", span.Offset + 4);
            return;
        }

        var host = _board.HostOf(_table, span.Offset, segment);
        var from = 0;
        foreach (var id in _scoped.Where(scoped => scoped.Segment == segment).Select(scoped => scoped.RequesterId).Order().Append(ushort.MaxValue + 1))
        {
            if (id > from)
            {
                _board.CountEntry(_table, span.Offset);
                host.Bridge.Map.Add(new IommuMapEntry((uint)from, unit.Path, [(uint)from], (uint)(id - from)));
            }

            from = id + 1;
        }
    }

    private void ReadReserved(AcpiSpan span)
    {
        var segment = span.U16(6, "a region's segment");
        var (start, last) = (span.U64(8, "a region's start"), span.U64(16, "a region's end"));
        if (last < start)
        {
            _table.Bag.Error($"a region from 0x{start:x} to 0x{last:x}", "a region goes upwards: the table is damaged", span.Offset + 8);
            return;
        }

        var masters = Scopes(span, 24).Where(scope => scope.Type != NamespaceScope).Select(scope => _board.FunctionAt(_table, span.Offset, segment, scope.RequesterId)).Distinct().ToList();
        _board.AddRegion(_table, span.Offset, start, unchecked(last - start + 1), masters);
    }

    /// <summary>The devices of a structure's scopes that do DMA. The bus behind a bridge is only known once firmware has numbered it.</summary>
    private List<(byte Type, byte Number, int RequesterId)> Scopes(AcpiSpan span, int first)
    {
        var found = new List<(byte, byte, int)>();
        for (var at = first; at < span.Length;)
        {
            var length = span.U8(at + 1, "the length of a scope");
            if (length < 8 || length % 2 != 0)
            {
                throw _table.Bag.Fatal($"a scope has a length of {length} bytes", "a scope has 6 bytes and at least one pair of device and function: the table is damaged", span.Offset + at + 1);
            }

            var scope = span.Slice(at, length, "a scope");
            var type = scope.U8(0, "a scope's type");
            if (type is Endpoint or Bridge or NamespaceScope)
            {
                if (length > 8)
                {
                    _table.Bag.Warning("a scope that leads through bridges", "left out: only the running machine knows the number of the bus behind them", scope.Offset);
                }
                else
                {
                    var id = (scope.U8(5, "a scope's bus") << 8) | ((scope.U8(6, "a scope's device") & 0x1f) << 3) | (scope.U8(7, "a scope's function") & 7);
                    found.Add((type, scope.U8(4, "a scope's number"), id));
                    if (type == Bridge)
                    {
                        _table.Bag.Warning("a scope with all that is behind a bridge", "only the bridge is taken: which buses are behind it only the running machine knows", scope.Offset);
                    }
                }
            }

            at += length;
        }

        return found;
    }
}
