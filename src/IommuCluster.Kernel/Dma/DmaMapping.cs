using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Dma;

/// <summary>The DMA API as a driver sees it (Linux: <c>kernel/dma/mapping.c</c>).</summary>
internal static class DmaMapping
{
    /// <summary>What a driver gets when nothing could be mapped (Linux: <c>DMA_MAPPING_ERROR</c>).</summary>
    internal const ulong MappingError = ulong.MaxValue;

    /// <summary>Maps a page for a device.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="physical">The page.</param>
    /// <returns>The DMA address, or <see cref="MappingError"/>.</returns>
    [KernelSource("kernel/dma/mapping.c", "dma_map_page_attrs")]
    internal static async Flow<ulong> DmaMapPage(KernelThread t, Device dev, ulong physical)
    {
        using var frame = t.Call();
        return await t.Load(dev.DmaOps) switch
        {
            DmaOps.Direct => physical,
            DmaOps.IommuDma => await DmaIommu.IommuDmaMapPage(t, dev, physical),
            DmaOps.ArmMapping => await ArmDmaMapping.ArmIommuMapPage(t, dev, physical),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>Unmaps what <see cref="DmaMapPage"/> mapped.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="address">The DMA address.</param>
    /// <returns>Completes when the device cannot reach the page through it.</returns>
    [KernelSource("kernel/dma/mapping.c", "dma_unmap_page_attrs")]
    internal static async Flow DmaUnmapPage(KernelThread t, Device dev, ulong address)
    {
        using var frame = t.Call();
        switch (await t.Load(dev.DmaOps))
        {
            case DmaOps.IommuDma:
                await DmaIommu.IommuDmaUnmapPage(t, dev, address);
                break;
            case DmaOps.ArmMapping:
                await ArmDmaMapping.ArmIommuUnmapPage(t, dev, address);
                break;
        }
    }
}
