using System.Numerics;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// The Linux device names of nodes, as of_device_make_bus_id() makes them (drivers/of/platform.c): translated address and
/// node name; where a node has no address that can be translated, its parent's name, a colon, and the node's.
/// </summary>
internal sealed class DtbNames(DtbAddresses addresses)
{
    private readonly Dictionary<DtbNode, string> _names = [];

    /// <summary>The name of a node below the root.</summary>
    internal string Name(DtbNode node)
    {
        if (!_names.TryGetValue(node, out var name))
        {
            name = Make(node);
            _names.Add(node, name);
        }

        return name;
    }

    private string Make(DtbNode node)
    {
        if (addresses.Translate(node) is { } address)
        {
            return $"{address:x}{MaskBit(node)}.{node.BaseName}";
        }

        return node.Parent is { Parent: not null } parent ? $"{Name(parent)}:{node.Name}" : node.Name;
    }

    // Since 5.19 the first bit of a `mask` property tells apart devices that share a register.
    private static string MaskBit(DtbNode node) => node.Cell("mask") switch
    {
        null => "",
        0 => ".ffffffff",
        { } mask => $".{BitOperations.TrailingZeroCount(mask):x}",
    };
}
