using System.Collections.Immutable;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Firmware;

/// <summary>What a map makes of an id.</summary>
/// <param name="Error">
/// 0 with a <see cref="Specifier"/>. -ENODEV when there is no map, or no entry for the id (the kernel passes the id through
/// without a target, which is "no IOMMU"); -EFAULT when an entry before the matching one has bits outside the mask;
/// -EINVAL when the matching entry has several output cells and covers several ids.
/// </param>
/// <param name="Specifier">The IOMMU and the cells that its driver is asked to take; null with an error.</param>
public readonly record struct IommuMapResult(Errno Error, IommuSpecifier? Specifier);

/// <summary>From a PCI requester id to an IOMMU specifier (Linux: <c>of_map_id</c>, <c>drivers/of/base.c</c>).</summary>
public static class IommuMap
{
    /// <summary>Translates an id through a node's <c>iommu-map</c>.</summary>
    /// <param name="node">The node that has the map: a PCI host, a firmware bus.</param>
    /// <param name="requesterId">The id before the mask.</param>
    /// <returns>
    /// The specifier. It has as many cells as the entry has output cells: one in the form used up to 7.1, whatever the
    /// IOMMU's <c>#iommu-cells</c> says; its driver then takes its own default for the rest.
    /// </returns>
    [KernelSource("drivers/of/base.c", "of_map_id", Release = "v7.2")]
    public static IommuMapResult Translate(FirmwareNode node, uint requesterId)
    {
        ArgumentNullException.ThrowIfNull(node);
        var masked = requesterId & node.IommuMapMask;
        foreach (var entry in node.IommuMap)
        {
            if ((entry.IdBase & ~node.IommuMapMask) != 0)
            {
                return new IommuMapResult(Errno.EFault, null);
            }

            // The sum wraps in the kernel, too: a range that ends beyond 32 bits matches nothing.
            if (masked < entry.IdBase || masked >= unchecked(entry.IdBase + entry.Length))
            {
                continue;
            }

            return entry.Cells.Length > 1 && entry.Length > 1
                ? new IommuMapResult(Errno.EInval, null)
                : new IommuMapResult(Errno.None, new IommuSpecifier(entry.Iommu, Output(entry, masked - entry.IdBase)));
        }

        return new IommuMapResult(Errno.ENoDev, null);
    }

    /// <summary>The first id that a map gives an IOMMU to.</summary>
    /// <param name="node">The node that has the map.</param>
    /// <returns>The lowest id of the first entry that matches anything; null when none does (no map, place-holders of length 0).</returns>
    public static uint? FirstMappedId(FirmwareNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        foreach (var entry in node.IommuMap)
        {
            if (Translate(node, entry.IdBase).Error == Errno.None)
            {
                return entry.IdBase;
            }
        }

        return null;
    }

    private static ImmutableArray<uint> Output(IommuMapEntry entry, uint distance) =>
        entry.Cells.Length == 1 ? [unchecked(entry.Cells[0] + distance)] : entry.Cells;
}
