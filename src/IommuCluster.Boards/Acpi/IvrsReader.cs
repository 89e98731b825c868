using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Acpi;

/// <summary>
/// The I/O Virtualization Reporting Structure (AMD 48882, chapter 5): IOMMUs with the functions they translate, unity-mapped
/// and excluded memory. An IOMMU described several times counts once, in the highest form, as in Linux.
/// </summary>
internal sealed class IvrsReader
{
    private const int FirstBlock = 48;
    private const byte OldForm = 0x10;
    private const byte MiddleForm = 0x11;
    private const byte NewForm = 0x40;
    private const int MaxId = ushort.MaxValue;

    private readonly AcpiTable _table;
    private readonly AcpiBoard _board;
    private readonly List<AcpiSpan> _blocks = [];

    private IvrsReader(AcpiTable table, AcpiBoard board)
    {
        _table = table;
        _board = board;
    }

    /// <summary>Reads the table into a board.</summary>
    internal static void Read(AcpiTable table, AcpiBoard board)
    {
        var reader = new IvrsReader(table, board);
        reader.CollectBlocks();
        foreach (var same in reader._blocks.Where(IsIommu).GroupBy(block => (block.U16(16, "a segment"), block.U16(4, "an IOMMU's PCI address"))))
        {
            reader.ReadIommu(same.OrderBy(block => block.U8(0, "a block's type")).Last());
        }

        var memory = reader._blocks.Where(block => block.U8(0, "a block's type") is 0x20 or 0x21 or 0x22).ToList();
        if (memory.Count > AcpiLimits.MemoryBlocks)
        {
            throw table.Bag.Fatal($"{memory.Count} memory blocks", $"no machine has more than {AcpiLimits.MemoryBlocks}: the table is damaged", memory[0].Offset);
        }

        memory.ForEach(reader.ReadMemory);
    }

    private static bool IsIommu(AcpiSpan block) => block.U8(0, "a block's type") is OldForm or MiddleForm or NewForm;

    private void CollectBlocks()
    {
        for (var at = FirstBlock; at < _table.Whole.Length;)
        {
            var length = _table.Whole.Slice(at, 4, "the header of a block").U16(2, "the length of a block");
            if (length < 4)
            {
                throw _table.Bag.Fatal($"a block has a length of {length} bytes", "a block has at least 4: the table is damaged", at + 2);
            }

            _blocks.Add(_table.Whole.Slice(at, length, "a block"));
            at += length;
        }
    }

    private void ReadIommu(AcpiSpan block)
    {
        int self = block.U16(4, "an IOMMU's PCI address");
        int segment = block.U16(16, "an IOMMU's segment");
        var name = PciFunctions.NameOf(segment, (uint)self);
        var iommu = _board.AddIommu(_table, block.Offset, "amd-iommu", name, name, "amd,amd-vi");
        var first = block.U8(0, "a block's type") == OldForm ? 24 : 40;
        var range = default((int First, int Alias)?);
        for (var at = first; at < block.Length;)
        {
            var entry = Entry(block, at);
            _board.CountEntry(_table, entry.Offset);
            var type = entry.U8(0, "an entry's type");
            int id = entry.U16(1, "an entry's device");
            switch (type)
            {
                case 0x01:
                    AddRange(entry, segment, iommu, 0, MaxId, alias: -1);
                    break;
                case 0x02 or 0x46 when id != self:
                    AddFunction(entry, segment, iommu, id, id);
                    break;
                case 0x42 when id != self:
                    AddFunction(entry, segment, iommu, id, entry.U16(5, "an entry's alias"));
                    break;
                case 0x03 or 0x47:
                    range = (id, -1);
                    break;
                case 0x43:
                    range = (id, entry.U16(5, "an entry's alias"));
                    break;
                case 0x04:
                    AddRange(entry, segment, iommu, range?.First ?? -1, id, range?.Alias ?? -1);
                    range = null;
                    break;
                case 0xf0:
                    AddNamed(entry, iommu, id);
                    break;
            }

            at += entry.Length;
        }

        if (range is { } open)
        {
            _table.Bag.Error($"the range of devices from 0x{open.First:x} on has no end", "an entry of type 4 ends it: the table is damaged", block.Offset);
        }
    }

    private static AcpiSpan Entry(AcpiSpan block, int at)
    {
        var type = block.U8(at, "an entry's type");
        var length = type switch
        {
            < 0x40 => 4,
            < 0x80 => 8,
            < 0xc0 => 16,
            0xf0 => 22 + block.U8(at + 21, "the length of an entry's name"),
            _ => 32,
        };
        return block.Slice(at, length, "an entry");
    }

    private void AddFunction(AcpiSpan entry, int segment, AcpiBoard.Part iommu, int id, int alias)
    {
        var function = _board.FunctionAt(_table, entry.Offset, segment, id);
        if (function.Iommus.Count == 0)
        {
            function.Iommus.Add(new IommuSpecifier(iommu.Path, [(uint)alias]));
        }
    }

    private void AddRange(AcpiSpan entry, int segment, AcpiBoard.Part iommu, int first, int last, int alias)
    {
        if (first < 0 || last < first)
        {
            _table.Bag.Error($"a range of devices ends at 0x{last:x}", "an entry of type 3 with a smaller device begins it: the table is damaged", entry.Offset);
            return;
        }

        var map = _board.HostOf(_table, entry.Offset, segment).Bridge.Map;
        if (alias < 0)
        {
            map.Add(new IommuMapEntry((uint)first, iommu.Path, [(uint)first], (uint)(last - first + 1)));
            return;
        }

        if (last - first >= AcpiLimits.AliasedIds)
        {
            _table.Bag.Warning($"{last - first + 1} devices share the alias 0x{alias:x}", $"the first {AcpiLimits.AliasedIds} are taken: a bridge has no more behind it", entry.Offset);
            last = first + AcpiLimits.AliasedIds - 1;
        }

        for (var id = first; id <= last; id++)
        {
            _board.CountEntry(_table, entry.Offset);
            map.Add(new IommuMapEntry((uint)id, iommu.Path, [(uint)alias], 1));
        }
    }

    // A device without PCI address: hardware id, and a number or text that tells it from others.
    private void AddNamed(AcpiSpan entry, AcpiBoard.Part iommu, int id)
    {
        var hardware = entry.Text(4, 8, "a device's hardware id");
        var unit = entry.U8(20, "the form of a device's unit") switch
        {
            1 => $"{entry.U64(22, "a device's unit"):x}",
            2 => entry.Text(22, entry.Length - 22, "a device's unit"),
            _ => "0",
        };
        var device = _board.AddComponent(_table, entry.Offset, $"{hardware}:{unit}");
        device.Iommus.Add(new IommuSpecifier(iommu.Path, [(uint)id]));
    }

    // Unity-mapped memory stays where it is; an exclusion range is not translated at all, which comes to the same here.
    private void ReadMemory(AcpiSpan block)
    {
        var flags = block.U8(1, "a memory block's flags");
        var (start, length) = (block.U64(16, "a memory block's start"), block.U64(24, "a memory block's length"));
        if ((flags & 0b1001) == 0 || length == 0)
        {
            return;
        }

        int first = block.U16(4, "a memory block's device");
        var masters = block.U8(0, "a block's type") switch
        {
            0x20 => [.. _board.Masters()],
            0x21 => FunctionsIn(block, first, first),
            _ => FunctionsIn(block, first, block.U16(6, "a memory block's last device")),
        };
        _board.AddRegion(_table, block.Offset, start, length, masters);
    }

    private List<AcpiBoard.Part> FunctionsIn(AcpiSpan block, int first, int last)
    {
        const int Segment = 0; // These blocks name no segment.
        return first == last
            ? [_board.FunctionAt(_table, block.Offset, Segment, first)]
            : [.. _board.HostOf(_table, block.Offset, Segment).Functions.Where(pair => pair.Key >= first && pair.Key <= last).Select(pair => pair.Value)];
    }
}
