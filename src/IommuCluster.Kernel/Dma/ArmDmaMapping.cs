using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Dma;

/// <summary>A <c>struct dma_iommu_mapping</c>: an IOVA space and its domain. Devices may share one.</summary>
internal readonly record struct DmaIommuMapping(Address Address) : IKernelObject<DmaIommuMapping>
{
    private static readonly LockClass s_lockClass = new("&mapping->lock", LockKind.Spin);
    private static readonly Layout s_layout = new("dma_iommu_mapping");
    private static readonly FieldDescriptor s_domain = s_layout.Word("domain", 0x0, 0x0);
    private static readonly FieldDescriptor s_next = s_layout.Word("bitmaps", 0x4, 0x8);
    private static readonly FieldDescriptor s_lock = s_layout.Lock("lock", 0x1c, 0x30, s_lockClass);
    private static readonly FieldDescriptor s_kref = s_layout.Word("kref", 0x20, 0x38);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>The domain that all devices of the mapping are attached to.</summary>
    public Field<IommuDomain> Domain => new(Address, s_domain);

    /// <summary>Pages of the IOVA space that were given out so far. The kernel has a bitmap; here no page is given out twice.</summary>
    public Field<ulong> Next => new(Address, s_next);

    /// <summary>Protects <see cref="Next"/>.</summary>
    public SpinLock Lock => new(Address, s_lock);

    /// <summary>References: the maker's, and one for each attach.</summary>
    public Field<long> Kref => new(Address, s_kref);
}

/// <summary>ARM32's DMA ops over a mapping of their own (Linux: <c>arch/arm/mm/dma-mapping.c</c>).</summary>
internal static class ArmDmaMapping
{
    private const int PageShift = 12;
    private const ulong FirstIova = 0x1000_0000; // Any place would do; this one is in no board's memory.

    /// <summary>Makes a mapping for a device and attaches it; failures leave the device on dma-direct.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device; it has an IOMMU.</param>
    /// <returns>True when the device uses the mapping.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_setup_iommu_dma_ops")]
    internal static async Flow<bool> ArmSetupIommuDmaOps(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var mapping = await ArmIommuCreateMapping(t, dev, dev.Home);
        if (mapping.Address.IsNull)
        {
            return false;
        }

        if (await ArmIommuAttachDevice(t, dev, mapping) != Errno.None)
        {
            await ArmIommuReleaseMapping(t, mapping);
            return false;
        }

        return true;
    }

    /// <summary>Makes a mapping, with one reference for the caller.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device that its domain is for.</param>
    /// <param name="home">Who owns the mapping.</param>
    /// <returns>The mapping, or NULL when no domain can be had.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_create_mapping")]
    internal static async Flow<DmaIommuMapping> ArmIommuCreateMapping(KernelThread t, Device dev, Home home)
    {
        using var frame = t.Call();
        var mapping = await t.Allocate<DmaIommuMapping>(home);
        var domain = await IommuCore.IommuDomainAlloc(t, dev);
        if (domain.Address.IsNull)
        {
            await t.Free(mapping);
            return default;
        }

        await t.Store(mapping.Domain, domain);
        await t.Store(mapping.Kref, 1);
        return mapping;
    }

    /// <summary>Attaches a device to a mapping.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="mapping">The mapping.</param>
    /// <returns>0, or why the core refused.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_attach_device")]
    internal static async Flow<Errno> ArmIommuAttachDevice(KernelThread t, Device dev, DmaIommuMapping mapping)
    {
        using var frame = t.Call();
        var error = await IommuCore.IommuAttachDevice(t, await t.Load(mapping.Domain), dev);
        if (error == Errno.None)
        {
            await t.RefcountInc(mapping.Kref);
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
    internal static async Flow ArmIommuDetachDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var mapping = await t.Load(dev.Mapping);
        if (mapping.Address.IsNull)
        {
            return;
        }

        await IommuCore.IommuDetachDevice(t, await t.Load(mapping.Domain), dev);
        await ArmIommuReleaseMapping(t, mapping);
        await t.Store(dev.Mapping, default);
        await t.Store(dev.DmaOps, DmaOps.Direct);
    }

    /// <summary>Drops a reference to a mapping; the last one frees it and its domain.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="mapping">The mapping.</param>
    /// <returns>Completes when the reference is gone.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_release_mapping")]
    internal static async Flow ArmIommuReleaseMapping(KernelThread t, DmaIommuMapping mapping)
    {
        using var frame = t.Call();
        if (await t.RefcountDecAndTest(mapping.Kref))
        {
            await IommuCore.IommuDomainFree(t, await t.Load(mapping.Domain));
            await t.Free(mapping);
        }
    }

    /// <summary>Maps a page.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="physical">The page.</param>
    /// <returns>The DMA address, or <see cref="DmaMapping.MappingError"/>.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_map_page")]
    internal static async Flow<ulong> ArmIommuMapPage(KernelThread t, Device dev, ulong physical)
    {
        using var frame = t.Call();
        var mapping = await t.Load(dev.Mapping);
        var iova = await AllocIova(t, mapping);
        return await IommuCore.IommuMap(t, await t.Load(mapping.Domain), iova, physical, 1UL << PageShift) == Errno.None ? iova : DmaMapping.MappingError;
    }

    /// <summary>Unmaps a page.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="iova">The DMA address.</param>
    /// <returns>Completes when no access through it is possible.</returns>
    [KernelSource("arch/arm/mm/dma-mapping.c", "arm_iommu_unmap_page")]
    internal static async Flow ArmIommuUnmapPage(KernelThread t, Device dev, ulong iova)
    {
        using var frame = t.Call();
        var mapping = await t.Load(dev.Mapping);
        await IommuCore.IommuUnmap(t, await t.Load(mapping.Domain), iova);
    }

    [KernelSource("arch/arm/mm/dma-mapping.c", "__alloc_iova")]
    private static async Flow<ulong> AllocIova(KernelThread t, DmaIommuMapping mapping)
    {
        await t.Lock(mapping.Lock);
        var page = await t.Load(mapping.Next);
        await t.Store(mapping.Next, page + 1);
        await t.Unlock(mapping.Lock);
        return FirstIova + (page << PageShift);
    }
}
