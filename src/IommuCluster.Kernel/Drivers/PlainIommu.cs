using System.Collections.Immutable;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// An IOMMU driver as they all are at heart, for the kinds that have no model of their own: takes every specifier, gives
/// every master a group of its own, makes paging domains ready when they are allocated, and registers with its data in
/// place. What is special about the kind (larbs, refused masters, shared groups, limits) is left out.
/// </summary>
/// <param name="family">Whose place it takes.</param>
internal sealed class PlainIommu(PlainIommuFamily family) : IommuOps
{
    /// <summary>The platform driver that registers instances.</summary>
    public override DeviceDriver Driver => field ??= new PlatformDriver(this, family);

    /// <inheritdoc/>
    public override string Name => family.Driver;

    /// <inheritdoc/>
    public override TableGeometry Tables => TableGeometry.Lpae39;

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_of_xlate")]
    public override async Flow<Errno> OfXlate(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells)
    {
        using var frame = t.Call("plain_iommu_of_xlate");
        foreach (var cell in cells)
        {
            var error = await IommuCore.IommuFwspecAddIds(t, dev, cell);
            if (error != Errno.None)
            {
                return error;
            }
        }

        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_probe_device")]
    public override async Flow<IommuDevice> ProbeDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("plain_iommu_probe_device");
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        if (fwspec.Address.IsNull || await t.Load(fwspec.Ops) != Reference)
        {
            return new IommuDevice(Address.FromError(Errno.ENoDev));
        }

        // Of several instances the first stands for all: the core keeps its node, as in iommu_fwspec_init().
        var iommu = Machine.DeviceAt(await t.Load(fwspec.IommuFwnode) - 1);
        var instance = new IommuDevice(await t.Load(iommu.DriverData));
        await IommuCore.DevIommuPrivSet(t, dev, instance.Address);
        return instance;
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_release_device")]
    public override async Flow ReleaseDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("plain_iommu_release_device");
        await DmaStream.Set(t, dev.Number, DmaStream.Off);
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "generic_device_group")]
    public override Flow<IommuGroup> DeviceGroup(KernelThread t, Device dev) => IommuCore.GenericDeviceGroup(t);

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_get_resv_regions")]
    public override ImmutableArray<ResvRegion> GetResvRegions(Machine machine, DeviceFacts device) =>
        family.HonoursRegions ? DmaIommu.IommuDmaGetResvRegions(machine, device) : [];

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_domain_alloc")]
    public override async Flow<IommuDomain> DomainAlloc(KernelThread t, DomainType type)
    {
        if (type == DomainType.Blocked)
        {
            return default;
        }

        if (type == DomainType.Identity && t.Machine.Profile.StaticIdentityDomains)
        {
            return t.Machine.IdentityDomainOf(Reference - 1);
        }

        using var frame = t.Call("plain_iommu_domain_alloc");
        var domain = await t.AllocateHome<IommuDomain>(HomeKind.Domain);
        if (type >= DomainType.Unmanaged)
        {
            var tables = await IoPageTable.AllocIoPgtableOps(t, domain.Address.Home, Tables);
            await t.Store(domain.Pgd, tables.Address);
        }

        return domain;
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_domain_free")]
    public override async Flow DomainFree(KernelThread t, IommuDomain domain)
    {
        using var frame = t.Call("plain_iommu_domain_free");
        var top = await t.Load(domain.Pgd);
        if (!top.IsNull)
        {
            await IoPageTable.FreeIoPgtableOps(t, new PageTable(top), Tables);
        }

        await t.Free(domain);
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_attach_dev")]
    public override async Flow<Errno> AttachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("plain_iommu_attach_dev");
        if ((await IommuCore.DevIommuPrivGet(t, dev)).IsNull)
        {
            return Errno.ENoDev;
        }

        var type = await t.Load(domain.Type);
        await DmaStream.Set(t, dev.Number, type == DomainType.Identity ? DmaStream.Bypass : domain.Address);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_detach_dev")]
    public override async Flow DetachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("plain_iommu_detach_dev");
        await DmaStream.Set(t, dev.Number, DmaStream.Off);
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_map_pages")]
    public override async Flow<Errno> MapPages(KernelThread t, IommuDomain domain, ulong iova, ulong physical, ulong sizeBytes)
    {
        using var frame = t.Call("plain_iommu_map_pages");
        return await IoPageTable.Map(t, new PageTable(await t.Load(domain.Pgd)), Tables, iova, physical, sizeBytes);
    }

    /// <inheritdoc/>
    [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_unmap_pages")]
    public override async Flow UnmapPages(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call("plain_iommu_unmap_pages");
        await IoPageTable.Unmap(t, new PageTable(await t.Load(domain.Pgd)), Tables, iova);
    }

    private sealed class PlatformDriver(PlainIommu ops, PlainIommuFamily family) : DeviceDriver(family.Driver, family.Level)
    {
        /// <inheritdoc/>
        public override bool Matches(DeviceFacts device) => device.IsIommu && family.Serves(device.Node);

        /// <inheritdoc/>
        [KernelSource("(plain IOMMU driver, as those in drivers/iommu)", "plain_iommu_probe")]
        public override async Flow<Errno> Probe(KernelThread t, Device dev)
        {
            using var frame = t.Call("plain_iommu_probe");
            var instance = await t.Allocate<IommuDevice>(new Home(HomeKind.Iommu, dev.Number));
            await t.Store(dev.DriverData, instance.Address);
            var error = await IommuCore.IommuDeviceRegister(t, instance, ops, dev);
            if (error == Errno.None && await t.Load(Soc.Globals.BusIommuOps) != ops.Reference)
            {
                error = await IommuCore.BusSetIommu(t, ops);
                if (error != Errno.None)
                {
                    await IommuCore.IommuDeviceUnregister(t, instance);
                }
            }

            if (error != Errno.None)
            {
                await t.Free(instance);
            }

            return error;
        }
    }
}
