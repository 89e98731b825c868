using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards;

/// <summary>Leaves out of a board what has nothing to do with its IOMMUs.</summary>
public static class BoardSelection
{
    /// <summary>
    /// The board with only the IOMMUs and what is below them, the masters, the parents of all these, everything that any
    /// of them needs (suppliers of suppliers too), and the reserved regions of what is left. Order stays.
    /// </summary>
    public static Board AroundIommus(Board board)
    {
        ArgumentNullException.ThrowIfNull(board);
        var kept = Close(board);
        return board with
        {
            Nodes = [.. board.Nodes.Where(node => kept.Contains(node.Path))],
            ReservedMemory = [.. board.ReservedMemory.Select(region => Restrict(region, kept)).OfType<ReservedRegion>()],
        };
    }

    private static HashSet<string> Close(Board board)
    {
        var nodes = board.Nodes.ToDictionary(node => node.Path, StringComparer.Ordinal);
        var kept = new HashSet<string>(StringComparer.Ordinal);
        var pending = new Stack<FirmwareNode>();
        void Keep(string path)
        {
            if (nodes.TryGetValue(path, out var node) && kept.Add(path))
            {
                pending.Push(node);
            }
        }

        foreach (var path in Roots(board))
        {
            Keep(path);
        }

        while (pending.TryPop(out var node))
        {
            foreach (var path in Needs(node))
            {
                Keep(path);
            }
        }

        return kept;
    }

    private static IEnumerable<string> Roots(Board board)
    {
        var iommus = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in board.Nodes)
        {
            if (node.IommuCells is not null || Parents(node.Path).Any(iommus.Contains))
            {
                iommus.Add(node.Path);
                yield return node.Path;
            }
            else if (!node.Iommus.IsEmpty || !node.IommuMap.IsEmpty)
            {
                yield return node.Path;
            }
        }
    }

    private static IEnumerable<string> Needs(FirmwareNode node) =>
    [
        .. node.Suppliers.Select(supplier => supplier.Node),
        .. node.Iommus.Select(specifier => specifier.Iommu),
        .. node.IommuMap.Select(entry => entry.Iommu),
        .. Parents(node.Path),
    ];

    private static IEnumerable<string> Parents(string path)
    {
        for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
        {
            yield return path[..slash];
        }
    }

    private static ReservedRegion? Restrict(ReservedRegion region, HashSet<string> kept)
    {
        ImmutableArray<string> users = [.. region.Users.Where(kept.Contains)];
        ImmutableArray<IommuAddressRange> addresses = [.. region.IommuAddresses.Where(range => kept.Contains(range.Device))];
        return users.IsEmpty && addresses.IsEmpty ? null : region with { Users = users, IommuAddresses = addresses };
    }
}
