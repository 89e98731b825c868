namespace IommuCluster.Boards.Dtb;

/// <summary>A region that the firmware's memory reservation block keeps from the operating system.</summary>
internal readonly record struct DtbReservation(ulong Address, ulong SizeBytes);

/// <summary>A flattened tree, unflattened: nodes in the file's order, and by phandle.</summary>
internal sealed class DtbTree(IReadOnlyList<DtbNode> nodes, IReadOnlyDictionary<uint, DtbNode> phandles, IReadOnlyList<DtbReservation> reservations)
{
    internal DtbNode Root => nodes[0];

    /// <summary>All nodes; the root first, parents before children.</summary>
    internal IReadOnlyList<DtbNode> Nodes => nodes;

    internal IReadOnlyList<DtbReservation> Reservations => reservations;

    /// <summary>The node with a phandle, or null.</summary>
    internal DtbNode? ByPhandle(uint phandle) => phandles.GetValueOrDefault(phandle);
}
