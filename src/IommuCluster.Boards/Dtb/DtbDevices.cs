using System.Collections.Frozen;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Which nodes are devices. A node with <c>compatible</c> is one, but for those that the kernel makes no device of:
/// the root, CPUs and what describes them, operating points, and reserved memory without a driver of its own.
/// A node that takes part in translation (an IOMMU, a master, what a map names) is one in any case.
/// </summary>
internal sealed class DtbDevices
{
    // drivers/of/platform.c, reserved_mem_matches.
    private static readonly FrozenSet<string> s_reservedMemoryDevices = FrozenSet.Create(
        StringComparer.Ordinal, "phram", "qcom,rmtfs-mem", "qcom,cmd-db", "qcom,smem", "ramoops", "nvmem-rmem", "google,open-dice");

    private readonly Dictionary<DtbNode, DtbNode?> _deviceOf = [];

    /// <summary>Sorts a tree's nodes.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="named">Nodes that are devices whatever they look like, because a map or a reserved region names them.</param>
    internal DtbDevices(DtbTree tree, IReadOnlySet<DtbNode> named)
    {
        _deviceOf.Add(tree.Root, null);
        foreach (var node in tree.Nodes.Where(node => node.Parent is not null))
        {
            var isDevice = IsDevice(node) || IommuBindings.Involve(node) || named.Contains(node);
            _deviceOf.Add(node, isDevice ? node : _deviceOf[node.Parent!]); // Parents come first; the root was left out.
        }
    }

    internal bool Contains(DtbNode node) => _deviceOf[node] == node;

    /// <summary>The device that a node belongs to: itself or the nearest parent that is one; null when none is.</summary>
    internal DtbNode? DeviceOf(DtbNode node) => _deviceOf[node];

    private static bool IsDevice(DtbNode node)
    {
        var compatible = node.Compatible();
        if (compatible.Count == 0 || node.Parent is null || compatible.Exists(IsOperatingPoints))
        {
            return false;
        }

        return TopLevelName(node) switch
        {
            "cpus" or "aliases" or "memory" or "__symbols__" or "__fixups__" or "__local_fixups__" => false,
            "chosen" => compatible.Contains("simple-framebuffer", StringComparer.Ordinal),
            "reserved-memory" => compatible.Exists(s_reservedMemoryDevices.Contains),
            _ => true,
        };
    }

    private static bool IsOperatingPoints(string compatible) => compatible.StartsWith("operating-points-v2", StringComparison.Ordinal);

    private static string TopLevelName(DtbNode node)
    {
        var top = node;
        while (top.Parent?.Parent is not null)
        {
            top = top.Parent;
        }

        return top.BaseName;
    }
}
