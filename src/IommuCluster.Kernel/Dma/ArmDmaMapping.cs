using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Dma;

/// <summary>ARM32's DMA ops over a mapping of their own (Linux: <c>arch/arm/mm/dma-mapping.c</c>).</summary>
internal static class ArmDmaMapping
{
    /// <summary>Makes a mapping for a device and attaches it; failures leave the device on dma-direct.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device; it has an IOMMU.</param>
    /// <returns>True when the device uses the mapping.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_setup_iommu_dma_ops")]
    internal static async ValueTask<bool> ArmSetupIommuDmaOps(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var mapping = await IommuCore.IommuDomainAlloc(t, dev);
        if (mapping.Address.IsNull)
        {
            return false;
        }

        if (await ArmIommuAttachDevice(t, dev, mapping) != Errno.None)
        {
            await IommuCore.IommuDomainFree(t, mapping);
            return false;
        }

        return true;
    }

    /// <summary>Attaches a device to a mapping.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="mapping">The mapping's domain.</param>
    /// <returns>0, or why the core refused.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_attach_device")]
    internal static async ValueTask<Errno> ArmIommuAttachDevice(KernelThread t, Device dev, IommuDomain mapping)
    {
        using var frame = t.Call();
        var error = await IommuCore.IommuAttachDevice(t, mapping, dev);
        if (error == Errno.None)
        {
            await t.Store(dev.Mapping, mapping);
            await t.Store(dev.DmaOps, DmaOps.ArmMapping);
        }

        return error;
    }

    /// <summary>Detaches a device from its mapping; it is left on dma-direct.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it is off.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_detach_device")]
    internal static async ValueTask ArmIommuDetachDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var mapping = await t.Load(dev.Mapping);
        if (mapping.Address.IsNull)
        {
            return;
        }

        await IommuCore.IommuDetachDevice(t, mapping, dev);
        await t.Store(dev.Mapping, default);
        await t.Store(dev.DmaOps, DmaOps.Direct);
    }

    /// <summary>Drops a mapping that nobody uses any more.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="mapping">The mapping's domain.</param>
    /// <returns>Completes when it is gone.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_release_mapping")]
    internal static ValueTask ArmIommuReleaseMapping(KernelThread t, IommuDomain mapping) => IommuCore.IommuDomainFree(t, mapping);

    /// <summary>Maps a page.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="physical">The page.</param>
    /// <returns>The DMA address, or <see cref="DmaMapping.MappingError"/>.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_map_page")]
    internal static async ValueTask<ulong> ArmIommuMapPage(KernelThread t, Device dev, ulong physical)
    {
        using var frame = t.Call();
        const ulong Iova = 0x1000_0000; // A device's driver here maps one page at a time, the lowest of its own space.
        return await IommuCore.IommuMap(t, await t.Load(dev.Mapping), Iova, physical) == Errno.None ? Iova : DmaMapping.MappingError;
    }
}
