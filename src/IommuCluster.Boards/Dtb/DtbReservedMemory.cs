using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Reads <c>/reserved-memory</c>: regions with <c>iommu-addresses</c>, and regions that a device's <c>memory-region</c>
/// names. Addresses are I/O virtual as written, not translated through <c>dma-ranges</c>.
/// </summary>
internal sealed class DtbReservedMemory(DtbTree tree, PhandleLists phandles, DiagnosticBag bag)
{
    private readonly Dictionary<DtbNode, ImmutableArray<IommuAddressRange>> _addresses = [];

    /// <summary>Reads <c>iommu-addresses</c> of all regions.</summary>
    /// <param name="devices">Receives the devices named.</param>
    internal void ReadAddresses(ICollection<DtbNode> devices)
    {
        foreach (var region in Regions())
        {
            if (region.Find("iommu-addresses") is { } property)
            {
                _addresses.Add(region, ReadAddresses(region, property, devices));
            }
        }
    }

    /// <summary>The regions that concern a device, in the file's order.</summary>
    internal ImmutableArray<ReservedRegion> ReadRegions(DtbDevices devices)
    {
        var users = ReadUsers(devices);
        return
        [
            .. Regions()
                .Where(region => _addresses.ContainsKey(region) || users.ContainsKey(region))
                .Select(region => ReadRegion(region, users.GetValueOrDefault(region) ?? [])),
        ];
    }

    private List<DtbNode> Regions() => tree.Root.Children.Find(node => node.Name is "reserved-memory")?.Children ?? [];

    private ReservedRegion ReadRegion(DtbNode region, IEnumerable<DtbNode> users)
    {
        var (start, length) = (default(ulong?), 0UL);
        var addressCells = (int)Math.Min(region.Parent!.AddressCells, 16); // Regions have a parent: /reserved-memory.
        var sizeCells = (int)Math.Min(region.Parent!.SizeCells, 16);
        if (region.Find("reg") is { } reg && reg.Cells > 0)
        {
            if (reg.Cells < addressCells + sizeCells)
            {
                bag.Error($"{region.Path}: reg is too short", $"give {addressCells} cells of address and {sizeCells} of size", reg.Offset);
            }
            else
            {
                (start, length) = (reg.Number(0, addressCells), reg.Number(addressCells, sizeCells));
            }
        }

        return new ReservedRegion(
            region.Path, start, length, _addresses.GetValueOrDefault(region, []), [.. users.Select(user => user.Path)]);
    }

    private Dictionary<DtbNode, HashSet<DtbNode>> ReadUsers(DtbDevices devices)
    {
        var users = new Dictionary<DtbNode, HashSet<DtbNode>>();
        foreach (var node in tree.Nodes)
        {
            if (node.Find("memory-region") is not { } list || devices.DeviceOf(node) is not { } user)
            {
                continue;
            }

            foreach (var entry in phandles.Read(node, list, cellsName: null, required: false))
            {
                if (!users.TryGetValue(entry.Target, out var known))
                {
                    users.Add(entry.Target, known = []);
                }

                known.Add(user);
            }
        }

        return users;
    }

    // An entry: the device, then address and size in cells as the device's bus counts them.
    private ImmutableArray<IommuAddressRange> ReadAddresses(DtbNode region, DtbProperty property, ICollection<DtbNode> devices)
    {
        var ranges = ImmutableArray.CreateBuilder<IommuAddressRange>();
        for (var at = 0; at < property.Cells;)
        {
            if (phandles.ByPhandle(property.Cell(at)) is not { Parent: { } bus } device)
            {
                Error(region, property, at, $"no device has phandle 0x{property.Cell(at):x}", "name the device that uses the region");
                break;
            }

            var (addressCells, sizeCells) = (bus.AddressCells, bus.SizeCells);
            if (addressCells > 4 || sizeCells > 4 || at + 1 + addressCells + sizeCells > property.Cells)
            {
                Error(region, property, at, $"{device.Path} wants {addressCells} cells of address and {sizeCells} of size", "add the missing cells");
                break;
            }

            var start = property.Number(at + 1, (int)addressCells);
            ranges.Add(new IommuAddressRange(device.Path, start, property.Number(at + 1 + (int)addressCells, (int)sizeCells)));
            devices.Add(device);
            at += 1 + (int)(addressCells + sizeCells);
        }

        return ranges.ToImmutable();
    }

    private void Error(DtbNode region, DtbProperty property, int at, string reason, string remedy) =>
        bag.Error($"{region.Path}: iommu-addresses, cell {at}: {reason}", remedy, property.CellOffset(at));
}
