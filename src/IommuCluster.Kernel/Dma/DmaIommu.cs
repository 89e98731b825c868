using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Dma;

/// <summary>The DMA API over a group's default domain (Linux: <c>drivers/iommu/dma-iommu.c</c>).</summary>
internal static class DmaIommu
{
    private const int PageShift = 12;
    private const ulong TopPfn = 0xfffff; // Addresses below 4 GiB, from the top down.

    /// <summary>Makes a device use iommu-dma if it is on a DMA domain; otherwise it keeps the platform's ops.</summary>
    /// <param name="t">The running thread; from v6.10 on it holds the group's mutex.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when the ops are chosen.</returns>
    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_setup_dma_ops")]
    internal static async Flow IommuSetupDmaOps(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var domain = await IommuCore.IommuGetDomainForDev(t, dev);
        if (domain.Address.IsNull)
        {
            return;
        }

        if (await t.Load(domain.Type) == DomainType.Dma)
        {
            await IommuDmaInitDomain(t, domain);
            await t.Store(dev.DmaOps, DmaOps.IommuDma);
        }
        else if (t.Machine.Profile.DmaOpsSetter == DmaOpsSetter.Core && await t.Load(dev.DmaOps) == DmaOps.IommuDma)
        {
            await t.Store(dev.DmaOps, DmaOps.Direct);
        }
    }

    /// <summary>Maps a page.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="physical">The page.</param>
    /// <returns>The DMA address, or <see cref="DmaMapping.MappingError"/>.</returns>
    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_dma_map_page")]
    internal static async Flow<ulong> IommuDmaMapPage(KernelThread t, Device dev, ulong physical)
    {
        using var frame = t.Call();
        var domain = await IommuGetDmaDomain(t, dev);
        var iova = await IommuDmaAllocIova(t, dev, domain);
        return await IommuCore.IommuMap(t, domain, iova, physical, 1UL << PageShift) == Errno.None ? iova : DmaMapping.MappingError;
    }

    /// <summary>Unmaps a page, strictly: the hardware forgets it before the address is free again.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="iova">The DMA address.</param>
    /// <returns>Completes when the address is free.</returns>
    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_dma_unmap_page")]
    internal static async Flow IommuDmaUnmapPage(KernelThread t, Device dev, ulong iova)
    {
        using var frame = t.Call();
        var domain = await IommuGetDmaDomain(t, dev);
        await IommuCore.IommuUnmap(t, domain, iova);
        await IommuDmaFreeIova(t, domain, iova);
    }

    /// <summary>The regions that drivers get when they ask the DMA layer: those of firmware tables, and from v6.3 on <c>iommu-addresses</c>.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="device">The device.</param>
    /// <returns>The regions.</returns>
    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_dma_get_resv_regions")]
    internal static ImmutableArray<ResvRegion> IommuDmaGetResvRegions(Machine machine, DeviceFacts device) =>
        machine.Profile.Release.IsSince(6, 3) ? device.Regions : device.Regions.RemoveAll(region => !region.IsFromTable);

    [KernelSource("drivers/iommu/iommu.c", "iommu_get_dma_domain")]
    private static async Flow<IommuDomain> IommuGetDmaDomain(KernelThread t, Device dev) =>
        await t.Load((await t.Load(dev.IommuGroup)).DefaultDomain);

    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_dma_init_domain")]
    private static async Flow IommuDmaInitDomain(KernelThread t, IommuDomain domain)
    {
        using var frame = t.Call();
        var guarded = t.Machine.Profile.CookieMutex;
        if (guarded)
        {
            await t.Lock(domain.CookieMutex);
        }

        if (await t.Load(domain.StartPfn) == 0)
        {
            await t.Store(domain.IovaNext, TopPfn); // init_iova_domain: the tree is empty.
            await t.Store(domain.StartPfn, 1UL);
        }

        if (guarded)
        {
            await t.Unlock(domain.CookieMutex);
        }
    }

    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_dma_alloc_iova")]
    private static async Flow<ulong> IommuDmaAllocIova(KernelThread t, Device dev, IommuDomain domain)
    {
        using var frame = t.Call();
        await t.Lock(domain.IovaLock);
        var pfn = await t.Load(domain.IovaNext);
        if (pfn == 0)
        {
            // Nobody has initialised this domain's IOVA space, so that its cached node is NULL.
            pfn = await t.Load(new Iova(Address.Null).PfnLo);
        }

        pfn = BelowReserved(t, dev, pfn);
        await t.Store(domain.IovaNext, pfn - 1);
        await t.Unlock(domain.IovaLock);
        return pfn << PageShift;
    }

    /// <summary>The next page that firmware does not speak for (Linux: <c>iova_reserve_iommu_regions</c> keeps those out of the tree).</summary>
    private static ulong BelowReserved(KernelThread t, Device dev, ulong pfn)
    {
        while (t.Machine.FactsOf(dev).Regions.FirstOrDefault(region => region.Contains(pfn << PageShift)) is { } reserved)
        {
            pfn = (reserved.Start >> PageShift) - 1;
        }

        return pfn;
    }

    /// <summary>Frees an address. Only the one given out last becomes free for the next; the rest is left as a cache would.</summary>
    [KernelSource("drivers/iommu/dma-iommu.c", "iommu_dma_free_iova")]
    private static async Flow IommuDmaFreeIova(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call();
        await t.Lock(domain.IovaLock);
        if (await t.Load(domain.IovaNext) + 1 == iova >> PageShift)
        {
            await t.Store(domain.IovaNext, iova >> PageShift);
        }

        await t.Unlock(domain.IovaLock);
    }

    /// <summary>A <c>struct iova</c>: a node of the IOVA space's tree, of which the model keeps none.</summary>
    private readonly record struct Iova(Address Address) : IKernelObject<Iova>
    {
        private static readonly Layout s_layout = new("iova");
        private static readonly FieldDescriptor s_pfnLo = s_layout.Word("pfn_lo", 0x10, 0x20);

        public static Layout Layout => s_layout;

        public Field<ulong> PfnLo => new(Address, s_pfnLo);
    }
}
