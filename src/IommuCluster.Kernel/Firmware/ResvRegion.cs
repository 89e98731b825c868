using System.Collections.Immutable;

namespace IommuCluster.Kernel.Firmware;

/// <summary>What a reserved region asks for (Linux: <c>enum iommu_resv_type</c>).</summary>
internal enum ResvType
{
    /// <summary>A 1:1 mapping, from before the device is translated until its driver takes over.</summary>
    Direct,

    /// <summary>That nothing is mapped there.</summary>
    Reserved,
}

/// <summary>A range of I/O virtual addresses that firmware speaks for (Linux: <c>struct iommu_resv_region</c>).</summary>
/// <param name="Type">What it asks for.</param>
/// <param name="Start">First address.</param>
/// <param name="LengthBytes">Length, never 0.</param>
/// <param name="IsFromTable">True for an ACPI table's region (RMR, RMRR, IVMD): drivers know it before they reset the hardware.</param>
internal sealed record ResvRegion(ResvType Type, ulong Start, ulong LengthBytes, bool IsFromTable)
{
    private const string DeviceTreeNode = "/reserved-memory/";

    /// <summary>True for an address in the region.</summary>
    /// <param name="address">The address.</param>
    /// <returns>True from the first to the last byte.</returns>
    public bool Contains(ulong address) => address >= Start && address - Start < LengthBytes;

    /// <summary>The regions of a device: as written in a table, or as <c>of_iommu_get_resv_regions</c> reads <c>iommu-addresses</c> (v6.3).</summary>
    /// <param name="board">The board.</param>
    /// <param name="path">Path of the device's node.</param>
    /// <returns>A region for each range of its own. A node without <c>reg</c>, or with another one, only reserves.</returns>
    internal static ImmutableArray<ResvRegion> Of(Board board, string path) =>
    [
        .. from region in board.ReservedMemory
           from range in region.IommuAddresses
           where range.Device == path && range.Length > 0
           let isDirect = region.Base == range.Start && region.Length == range.Length
           select new ResvRegion(isDirect ? ResvType.Direct : ResvType.Reserved, range.Start, range.Length, !region.Path.StartsWith(DeviceTreeNode, StringComparison.Ordinal)),
    ];
}
