using System.Collections.Immutable;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;

namespace IommuCluster.Kernel.Drivers;

/// <summary>Rockchip's IOMMU (Linux: <c>drivers/iommu/rockchip-iommu.c</c>): a private one for most masters, no specifier.</summary>
internal sealed class RockchipIommu : IommuOps
{
    private static readonly string[] s_compatible = ["rockchip,iommu", "rockchip,rk3568-iommu"];

    /// <summary>The ops, before a machine numbers them.</summary>
    public RockchipIommu() => Driver = new PlatformDriver(this);

    /// <inheritdoc/>
    public override DeviceDriver Driver { get; }

    /// <inheritdoc/>
    public override string Name => "rk_iommu";

    /// <inheritdoc/>
    public override TableGeometry Tables => TableGeometry.Rockchip;

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_of_xlate")]
    public override async Flow<Errno> OfXlate(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells)
    {
        using var frame = t.Call("rk_iommu_of_xlate");
        var dmaDev = new Device(await t.Load(Soc.Globals.RkDmaDev));
        await t.Load(dmaDev.DevresLock, Marking.Atomic); // devm_kzalloc on behalf of the first instance (R28).
        var data = await t.Allocate<MasterData>(dev.Home);
        var instance = new RkIommu(await t.Load(Machine.DeviceAt(iommu).DriverData));
        await t.Store(data.Iommu, instance);
        if (t.Machine.Profile.StaticIdentityDomains)
        {
            await t.Store(instance.Domain, t.Machine.IdentityDomainOf(Reference - 1));
        }

        await IommuCore.DevIommuPrivSet(t, dev, data.Address);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_probe_device")]
    public override async Flow<IommuDevice> ProbeDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("rk_iommu_probe_device");
        var data = new MasterData(await IommuCore.DevIommuPrivGet(t, dev));
        return data.Address.IsNull
            ? new IommuDevice(Address.FromError(Errno.ENoDev))
            : new IommuDevice((await t.Load(data.Iommu)).Address);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_release_device")]
    public override Flow ReleaseDevice(KernelThread t, Device dev) => Flow.Completed;

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_device_group")]
    public override async Flow<IommuGroup> DeviceGroup(KernelThread t, Device dev)
    {
        using var frame = t.Call("rk_iommu_device_group");
        var data = new MasterData(await IommuCore.DevIommuPrivGet(t, dev));
        var instance = new IommuDevice((await t.Load(data.Iommu)).Address);
        var group = await t.Load(instance.SingletonGroup);
        if (group.Address.IsNull)
        {
            // Since v6.7 (generic_single_device_group) the group is made here; before, in the IOMMU's probe.
            group = await IommuCore.IommuGroupAlloc(t);
            await t.Store(instance.SingletonGroup, group);
        }

        return await IommuCore.IommuGroupRefGet(t, group);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_domain_alloc")]
    public override async Flow<IommuDomain> DomainAlloc(KernelThread t, DomainType type)
    {
        if (type == DomainType.Identity)
        {
            return t.Machine.Profile.StaticIdentityDomains ? t.Machine.IdentityDomainOf(Reference - 1) : default;
        }

        if (type == DomainType.Blocked)
        {
            return default;
        }

        using var frame = t.Call("rk_iommu_domain_alloc");
        var domain = await t.AllocateHome<IommuDomain>(HomeKind.Domain);
        var tables = await IoPageTable.AllocIoPgtableOps(t, domain.Address.Home, Tables);
        await t.Store(domain.Pgd, tables.Address);
        return domain;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_domain_free")]
    public override async Flow DomainFree(KernelThread t, IommuDomain domain)
    {
        using var frame = t.Call("rk_iommu_domain_free");
        await IoPageTable.FreeIoPgtableOps(t, new PageTable(await t.Load(domain.Pgd)), Tables);
        await t.Free(domain);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_attach_device")]
    public override async Flow<Errno> AttachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("rk_iommu_attach_device");
        var data = new MasterData(await IommuCore.DevIommuPrivGet(t, dev));
        if (data.Address.IsNull)
        {
            return Errno.None; // A virtual device, as the DRM's: attaching it is a success without effect.
        }

        var instance = await t.Load(data.Iommu);
        var current = await t.Load(instance.Domain);
        if (current.Address == domain.Address)
        {
            return Errno.None;
        }

        if (!current.Address.IsNull)
        {
            await RkIommuDisable(t, instance);
        }

        await t.Store(instance.Domain, domain);
        if (await t.Load(domain.Type) == DomainType.Identity)
        {
            return Errno.None;
        }

        await RkIommuEnable(t, instance, domain);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_detach_device")]
    public override async Flow DetachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("rk_iommu_detach_device");
        var data = new MasterData(await IommuCore.DevIommuPrivGet(t, dev));
        if (data.Address.IsNull)
        {
            return;
        }

        var instance = await t.Load(data.Iommu);
        if ((await t.Load(instance.Domain)).Address != domain.Address)
        {
            return;
        }

        await t.Store(instance.Domain, default);
        await RkIommuDisable(t, instance);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_map")]
    public override async Flow<Errno> MapPages(KernelThread t, IommuDomain domain, ulong iova, ulong physical, ulong sizeBytes)
    {
        using var frame = t.Call("rk_iommu_map");
        var error = await IoPageTable.Map(t, new PageTable(await t.Load(domain.Pgd)), Tables, iova, physical, sizeBytes);
        return error == Errno.EExist ? Errno.EAddrInUse : error;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_unmap")]
    public override async Flow UnmapPages(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call("rk_iommu_unmap");
        await IoPageTable.Unmap(t, new PageTable(await t.Load(domain.Pgd)), Tables, iova);
    }

    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_enable")]
    private static Flow RkIommuEnable(KernelThread t, RkIommu instance, IommuDomain domain) => SetStreams(t, instance, domain.Address);

    [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_disable")]
    private static Flow RkIommuDisable(KernelThread t, RkIommu instance) => SetStreams(t, instance, DmaStream.Off);

    private static async Flow SetStreams(KernelThread t, RkIommu instance, Address state)
    {
        foreach (var master in t.Machine.Devices)
        {
            if (!master.Iommus.IsEmpty && master.Iommus[0].Iommu == instance.Address.Home.Index)
            {
                await DmaStream.Set(t, master.Number, state);
            }
        }
    }

    /// <summary>A <c>struct rk_iommu</c>; the core's instance is its first member.</summary>
    private readonly record struct RkIommu(Address Address) : IKernelObject<RkIommu>
    {
        private static readonly Layout s_layout = new("rk_iommu", IommuDevice.Layout);
        private static readonly FieldDescriptor s_domain = s_layout.Word("domain", 0x38, 0x70);

        public static Layout Layout => s_layout;

        public Field<IommuDomain> Domain => new(Address, s_domain);
    }

    /// <summary>A <c>struct rk_iommudata</c>: which instance a master is behind.</summary>
    private readonly record struct MasterData(Address Address) : IKernelObject<MasterData>
    {
        private static readonly Layout s_layout = new("rk_iommudata");
        private static readonly FieldDescriptor s_iommu = s_layout.Word("iommu", 4, 8);

        public static Layout Layout => s_layout;

        public Field<RkIommu> Iommu => new(Address, s_iommu);
    }

    private sealed class PlatformDriver(RockchipIommu ops) : DeviceDriver("rk_iommu", InitcallLevel.Subsys)
    {
        /// <inheritdoc/>
        public override bool Matches(DeviceFacts device) => device.IsIommu && device.Node.Compatible.Any(s_compatible.Contains);

        /// <inheritdoc/>
        [KernelSource("drivers/iommu/rockchip-iommu.c", "rk_iommu_probe", Release = "v6.10")]
        public override async Flow<Errno> Probe(KernelThread t, Device dev)
        {
            using var frame = t.Call("rk_iommu_probe");
            var instance = await t.Allocate<RkIommu>(new Home(HomeKind.Iommu, dev.Number));
            await t.Store(dev.DriverData, instance.Address);
            if (!t.Machine.Profile.StaticIdentityDomains)
            {
                await t.Store(new IommuDevice(instance.Address).SingletonGroup, await IommuCore.IommuGroupAlloc(t));
            }

            var error = await IommuCore.IommuDeviceRegister(t, new IommuDevice(instance.Address), ops, dev);
            if (error != Errno.None)
            {
                await t.Free(instance);
                return error;
            }

            var soc = Soc.Globals;
            if ((await t.Load(soc.RkDmaDev)).IsNull)
            {
                await t.Store(soc.RkDmaDev, dev.Address);
            }

            await IommuCore.BusSetIommu(t, ops);
            return Errno.None;
        }
    }
}
