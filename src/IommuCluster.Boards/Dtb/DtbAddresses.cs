namespace IommuCluster.Boards.Dtb;

/// <summary>Addresses on buses and their translation up to the CPU's view (drivers/of/address.c).</summary>
internal sealed class DtbAddresses(DiagnosticBag bag)
{
    private const int MaxCells = 4;

    private int _work;

    /// <summary>Number of <c>reg</c> entries.</summary>
    internal static int RegisterCount(DtbNode node)
    {
        if (node.Find("reg") is not { } reg || node.Parent is null)
        {
            return 0;
        }

        var cells = (ulong)node.Parent.AddressCells + node.Parent.SizeCells;
        return cells is > 0 and <= 2 * MaxCells ? reg.Cells / (int)cells : 0;
    }

    /// <summary>The physical address of a node's first <c>reg</c> entry, or null when a bus above has no way to it.</summary>
    internal ulong? Translate(DtbNode node)
    {
        if (node.Find("reg") is not { } reg || node.Parent is not { } bus)
        {
            return null;
        }

        var cells = bus.AddressCells;
        if (!AreSane(cells, bus.SizeCells) || reg.Cells < cells)
        {
            return null;
        }

        var address = new BusAddress(cells == 3 ? reg.Cell(0) : 0, reg.Number(0, (int)cells));
        while (bus.Parent is { } above)
        {
            var aboveCells = above.AddressCells;
            if (!AreSane(aboveCells, above.SizeCells) || Step(bus, address, (int)cells, (int)aboveCells) is not { } translated)
            {
                return null;
            }

            (address, bus, cells) = (translated, above, aboveCells);
        }

        return address.Number;
    }

    private BusAddress? Step(DtbNode bus, BusAddress address, int cells, int aboveCells)
    {
        if (bus.Find("ranges") is not { } ranges)
        {
            return null;
        }

        if (ranges.Cells == 0)
        {
            return address with { Flags = 0 };
        }

        var sizeCells = (int)bus.SizeCells;
        var entry = cells + aboveCells + sizeCells;
        var isPci = bus.Find("device_type")?.Text() is "pci" or "pciex";
        for (var at = 0; at + entry <= ranges.Cells; at += entry)
        {
            if (++_work > DtbLimits.RangesWork)
            {
                throw bag.Fatal($"{bus.Path}: ranges is too long", "no board's is that long: the file is damaged or hostile", ranges.Offset);
            }

            var first = ranges.Number(at, cells);
            var size = ranges.Number(at + cells + aboveCells, sizeCells);
            if (IsSameSpace(address.Flags, cells == 3 ? ranges.Cell(at) : 0, isPci) && address.Number >= first && address.Number - first < size)
            {
                var target = ranges.Number(at + cells, aboveCells);
                return new BusAddress(aboveCells == 3 ? ranges.Cell(at + cells) : 0, unchecked(target + (address.Number - first))); // Wraps in the kernel too.
            }
        }

        return null;
    }

    // PCI: configuration, I/O or memory (32 and 64 bit alike); other three-cell buses: the flags must be equal.
    private static bool IsSameSpace(uint flags, uint rangeFlags, bool isPci) =>
        isPci ? PciSpace(flags) == PciSpace(rangeFlags) : flags == rangeFlags;

    private static uint PciSpace(uint flags) => Math.Min((flags >> 24) & 3, 2);

    private static bool AreSane(uint addressCells, uint sizeCells) => addressCells is > 0 and <= MaxCells && sizeCells is > 0 and <= MaxCells;

    private readonly record struct BusAddress(uint Flags, ulong Number);
}
