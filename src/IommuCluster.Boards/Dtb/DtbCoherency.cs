namespace IommuCluster.Boards.Dtb;

/// <summary>
/// What firmware says about a device's coherency (of_dma_is_coherent()): the first node that speaks, walking up the
/// nodes that DMA passes: the interconnect called <c>dma-mem</c> where a node has one, else its parent.
/// </summary>
internal sealed class DtbCoherency(PhandleLists phandles)
{
    private readonly Dictionary<DtbNode, DtbNode?> _parents = [];

    /// <summary>True, false, or null when no node says anything.</summary>
    internal bool? Read(DtbNode device)
    {
        var node = device;
        for (var step = 0; step <= DtbLimits.Depth && node is not null; step++)
        {
            if (node.Has("dma-coherent"))
            {
                return true;
            }

            if (node.Has("dma-noncoherent"))
            {
                return false;
            }

            node = DmaParent(node);
        }

        return null;
    }

    private DtbNode? DmaParent(DtbNode node)
    {
        if (!_parents.TryGetValue(node, out var parent))
        {
            parent = DmaMemory(node) ?? node.Parent;
            _parents.Add(node, parent);
        }

        return parent;
    }

    private DtbNode? DmaMemory(DtbNode node)
    {
        var index = node.Find("interconnect-names")?.Texts().IndexOf("dma-mem") ?? -1;
        if (index < 0 || node.Find("interconnects") is not { } list)
        {
            return null;
        }

        var entries = phandles.Read(node, list, "#interconnect-cells", required: false);
        return index < entries.Count ? entries[index].Target : null;
    }
}
