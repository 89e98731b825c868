using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// MediaTek's M4U of the first generation, MT2701 and MT7623 (Linux: <c>drivers/iommu/mtk_iommu_v1.c</c>): one page
/// table, one ARM mapping that all masters share, and a driver that parses firmware and attaches by itself.
/// <para>Switch <c>attach</c>: <c>before-group</c>, as v4.15 was released, or <c>after-group</c>, as from v4.16 on. Switch
/// <c>group</c>: <c>shared</c> by all masters, as up to v4.15, or <c>per-consumer</c>, as from v4.16 on.</para>
/// <para>Left out: that a larb's port bits take effect only as the larb resumes, and the component framework.</para>
/// </summary>
internal sealed class MtkIommuV1 : IommuOps
{
    private const string DriverName = "mtk-iommu-v1";

    /// <summary>The ops, before a machine numbers them.</summary>
    public MtkIommuV1() => Driver = new PlatformDriver(this);

    /// <inheritdoc/>
    public override DeviceDriver Driver { get; }

    /// <inheritdoc/>
    public override string Name => DriverName;

    /// <inheritdoc/>
    public override TableGeometry Tables => TableGeometry.MtkV1;

    /// <inheritdoc/>
    public override bool HasOfXlate => false;

    /// <inheritdoc/>
    public override bool HasProbeFinalize => true;

    /// <inheritdoc/>
    public override Flow<Errno> OfXlate(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells) => Flow.FromResult(Errno.ENoDev);

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_add_device", Release = "v4.15")]
    public override async Flow<Errno> AddDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("mtk_iommu_add_device");
        foreach (var (iommu, cells) in t.Machine.FactsOf(dev).Iommus)
        {
            await MtkIommuCreateMapping(t, dev, iommu, cells); // Its error is dropped.
        }

        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        if (fwspec.Address.IsNull || await t.Load(fwspec.Ops) != Reference)
        {
            return Errno.ENoDev;
        }

        if (AttachesLast(t.Machine))
        {
            return await JoinAndAttach(t, dev);
        }

        var group = await IommuCore.IommuGroupGetForDev415(t, dev);
        if (group.Address.IsError)
        {
            return group.Address.ToError();
        }

        await IommuCore.IommuGroupPut(t, group);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_v1_probe_device", Release = "v5.17")]
    public override async Flow<IommuDevice> ProbeDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("mtk_iommu_v1_probe_device");

        // A bind that was deferred has left an fwspec behind; the driver makes its own.
        await IommuCore.IommuFwspecFree(t, dev);
        foreach (var (iommu, cells) in t.Machine.FactsOf(dev).Iommus)
        {
            var error = await MtkIommuCreateMapping(t, dev, iommu, cells);
            if (error != Errno.None)
            {
                return new IommuDevice(Address.FromError(error));
            }
        }

        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        return new IommuDevice(fwspec.Address.IsNull ? Address.FromError(Errno.ENoDev) : await IommuCore.DevIommuPrivGet(t, dev));
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_v1_probe_finalize", Release = "v5.17")]
    public override async Flow ProbeFinalize(KernelThread t, Device dev)
    {
        using var frame = t.Call("mtk_iommu_v1_probe_finalize");
        var data = new MtkIommuData(await IommuCore.DevIommuPrivGet(t, dev));
        await Attach(t, dev, await t.Load(data.Mapping)); // Its error is only printed.
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_v1_release_device")]
    public override Flow ReleaseDevice(KernelThread t, Device dev) => Flow.Completed;

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_device_group", Release = "v4.15")]
    public override async Flow<IommuGroup> DeviceGroup(KernelThread t, Device dev)
    {
        using var frame = t.Call("mtk_iommu_device_group");
        if (GroupPerConsumer(t.Machine))
        {
            return await IommuCore.GenericDeviceGroup(t);
        }

        // All masters are in the one group of their M4U.
        var data = new MtkIommuData(await IommuCore.DevIommuPrivGet(t, dev));
        var group = await t.Load(data.Group);
        if (!group.Address.IsNull)
        {
            return await IommuCore.IommuGroupRefGet(t, group);
        }

        group = await IommuCore.IommuGroupAlloc(t);
        await t.Store(data.Group, group);
        return group;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_domain_alloc")]
    public override async Flow<IommuDomain> DomainAlloc(KernelThread t, DomainType type)
    {
        if (type == DomainType.Identity && t.Machine.Profile.StaticIdentityDomains)
        {
            return t.Machine.IdentityDomainOf(Reference - 1);
        }

        if (type != DomainType.Unmanaged)
        {
            return default;
        }

        using var frame = t.Call("mtk_iommu_domain_alloc");
        return new IommuDomain((await t.AllocateHome<MtkIommuDomain>(HomeKind.Domain)).Address);
    }

    /// <inheritdoc/>
    /// <remarks>A domain that was never attached has no instance to ask for its table: that is followed all the same.</remarks>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_domain_free")]
    public override async Flow DomainFree(KernelThread t, IommuDomain domain)
    {
        using var frame = t.Call("mtk_iommu_domain_free");
        var data = await t.Load(new MtkIommuDomain(domain.Address).Data);
        await t.Load(data.Dev);
        await IoPageTable.FreeIoPgtableOps(t, new PageTable(await t.Load(domain.Pgd)), Tables);
        await t.Free(domain);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_attach_device")]
    public override async Flow<Errno> AttachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("mtk_iommu_attach_device");
        var data = new MtkIommuData(await IommuCore.DevIommuPrivGet(t, dev));
        if (data.Address.IsNull)
        {
            return Errno.ENoDev;
        }

        if (await t.Load(domain.Type) == DomainType.Identity)
        {
            await MtkIommuConfig(t, dev, data, enable: false);
            return Errno.None;
        }

        if (t.Machine.Profile.Release.IsSince(5, 8) && (await t.Load((await t.Load(data.Mapping)).Domain)).Address != domain.Address)
        {
            return Errno.None; // Any domain but the mapping's: a success without effect.
        }

        if ((await t.Load(data.Domain)).Address.IsNull)
        {
            await t.Store(data.Domain, domain);
            await MtkIommuDomainFinalise(t, data, new MtkIommuDomain(domain.Address));
        }

        await MtkIommuConfig(t, dev, data, enable: true);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_detach_device")]
    public override async Flow DetachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("mtk_iommu_detach_device");
        var data = new MtkIommuData(await IommuCore.DevIommuPrivGet(t, dev));
        if (!data.Address.IsNull)
        {
            await MtkIommuConfig(t, dev, data, enable: false);
        }
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_map")]
    public override async Flow<Errno> MapPages(KernelThread t, IommuDomain domain, ulong iova, ulong physical, ulong sizeBytes)
    {
        using var frame = t.Call("mtk_iommu_map");
        var tableLock = new MtkIommuDomain(domain.Address).TableLock;
        await t.Lock(tableLock);
        var error = await IoPageTable.Map(t, new PageTable(await t.Load(domain.Pgd)), Tables, iova, physical, sizeBytes);
        await t.Unlock(tableLock);
        return error;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_unmap")]
    public override async Flow UnmapPages(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call("mtk_iommu_unmap");
        var tableLock = new MtkIommuDomain(domain.Address).TableLock;
        await t.Lock(tableLock);
        await IoPageTable.Unmap(t, new PageTable(await t.Load(domain.Pgd)), Tables, iova);
        await t.Unlock(tableLock);
    }

    /// <summary>Parses one specifier into the fwspec and sees to the mapping that all masters share.</summary>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_create_mapping", Release = "v4.15")]
    private async Flow<Errno> MtkIommuCreateMapping(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells)
    {
        using var frame = t.Call();
        if (cells.Length != 1 || iommu < 0)
        {
            return Errno.EInval;
        }

        var error = await IommuCore.IommuFwspecInit(t, dev, iommu, Reference);
        if (error != Errno.None)
        {
            return error;
        }

        if ((await IommuCore.DevIommuPrivGet(t, dev)).IsNull)
        {
            await IommuCore.DevIommuPrivSet(t, dev, await t.Load(Machine.DeviceAt(iommu).DriverData));
        }

        error = await IommuCore.IommuFwspecAddIds(t, dev, cells[0]);
        if (error != Errno.None)
        {
            return error;
        }

        var data = new MtkIommuData(await IommuCore.DevIommuPrivGet(t, dev));
        var mapping = await t.Load(data.Mapping);
        if (mapping.Address.IsNull)
        {
            mapping = await ArmDmaMapping.ArmIommuCreateMapping(t, dev, data.Address.Home);
            if (mapping.Address.IsNull)
            {
                return Errno.ENoMem;
            }

            await t.Store(data.Mapping, mapping);
        }

        return AttachesHere(t.Machine) ? await AttachEarly(t, dev, data, mapping) : Errno.None;
    }

    /// <summary>Up to v4.15: a specifier is attached as soon as it is parsed; a failure drops the mapping that others use.</summary>
    private static async Flow<Errno> AttachEarly(KernelThread t, Device dev, MtkIommuData data, DmaIommuMapping mapping)
    {
        if (AttachesAfterJoining(t.Machine))
        {
            var group = await IommuCore.IommuGroupGetForDev415(t, dev);
            if (group.Address.IsError)
            {
                return group.Address.ToError();
            }

            await IommuCore.IommuGroupPut(t, group);
        }

        var error = await Attach(t, dev, mapping);
        if (error != Errno.None)
        {
            await ArmDmaMapping.ArmIommuReleaseMapping(t, mapping);
            await t.Store(data.Mapping, default);
        }

        return error;
    }

    /// <summary>From v4.16 on: a group of the master's own comes first, because the ARM DMA code knows nothing of groups with several members.</summary>
    private static async Flow<Errno> JoinAndAttach(KernelThread t, Device dev)
    {
        var group = await IommuCore.IommuGroupAlloc(t);
        var error = await IommuCore.IommuGroupAddDevice(t, group, dev);
        await IommuCore.IommuGroupPut(t, group);
        if (error != Errno.None)
        {
            return error;
        }

        var data = new MtkIommuData(await IommuCore.DevIommuPrivGet(t, dev));
        error = await Attach(t, dev, await t.Load(data.Mapping));
        if (error != Errno.None)
        {
            await IommuCore.IommuGroupRemoveDevice(t, group, dev);
        }

        return error;
    }

    private static async Flow<Errno> Attach(KernelThread t, Device dev, DmaIommuMapping mapping)
    {
        var error = await ArmDmaMapping.ArmIommuAttachDevice(t, dev, mapping);
        if (error != Errno.None)
        {
            t.Report(FindingKind.UnexpectedErrno, "iommu_group", error.Name(),
                $"{t.Machine.FactsOf(dev).Name}: iommu_attach_device answers {error.Name()}; the master does DMA past its M4U", function: "iommu_attach_device");
        }

        return error;
    }

    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_domain_finalise")]
    private static async Flow MtkIommuDomainFinalise(KernelThread t, MtkIommuData data, MtkIommuDomain domain)
    {
        using var frame = t.Call();
        var tables = await IoPageTable.AllocIoPgtableOps(t, domain.Address.Home, TableGeometry.MtkV1);
        await t.Store(new IommuDomain(domain.Address).Pgd, tables.Address);
        await t.Store(domain.Data, data);
    }

    /// <summary>Switches the translation of a master's ports; what translates is the M4U's one table, whichever domain was asked for.</summary>
    [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_config")]
    private static async Flow MtkIommuConfig(KernelThread t, Device dev, MtkIommuData data, bool enable)
    {
        using var frame = t.Call();
        var state = enable ? (await t.Load(data.Domain)).Address : DmaStream.Off;
        await DmaStream.Set(t, dev.Number, state);
    }

    private static bool AttachesAfterJoining(Machine machine) =>
        machine.SwitchOf(DriverName, "attach", machine.Profile.Release.IsSince(4, 16) ? "after-group" : "before-group") == "after-group";

    private static bool GroupPerConsumer(Machine machine) =>
        machine.SwitchOf(DriverName, "group", machine.Profile.Release.IsSince(4, 16) ? "per-consumer" : "shared") == "per-consumer";

    /// <summary>The order of v4.16.</summary>
    private static bool AttachesLast(Machine machine) => AttachesAfterJoining(machine) && GroupPerConsumer(machine);

    /// <summary>The order up to v4.15, or that with its two calls the other way round.</summary>
    private static bool AttachesHere(Machine machine) =>
        machine.Profile.CoreCalls == Profiles.CoreCalls.AddDevice && !AttachesLast(machine);

    /// <summary>A <c>struct mtk_iommu_data</c>; the core's instance is its first member here.</summary>
    private readonly record struct MtkIommuData(Address Address) : IKernelObject<MtkIommuData>
    {
        private static readonly Layout s_layout = new("mtk_iommu_data", IommuDevice.Layout);
        private static readonly FieldDescriptor s_dev = s_layout.Word("dev", 0x8, 0x10);
        private static readonly FieldDescriptor s_domain = s_layout.Word("m4u_dom", 0x2c, 0x48);
        private static readonly FieldDescriptor s_group = s_layout.Word("m4u_group", 0x30, 0x50);
        private static readonly FieldDescriptor s_mapping = s_layout.Word("mapping", 0x34, 0x58);

        public static Layout Layout => s_layout;

        public Field<Device> Dev => new(Address, s_dev);

        /// <summary>The domain whose table the hardware walks: the first one that was attached.</summary>
        public Field<IommuDomain> Domain => new(Address, s_domain);

        /// <summary>The group of all masters (up to v4.15).</summary>
        public Field<IommuGroup> Group => new(Address, s_group);

        /// <summary>The mapping of all masters; in the M4U device's <c>archdata.iommu</c> at first.</summary>
        public Field<DmaIommuMapping> Mapping => new(Address, s_mapping);
    }

    /// <summary>A <c>struct mtk_iommu_domain</c>; the core's domain is its first member here.</summary>
    private readonly record struct MtkIommuDomain(Address Address) : IKernelObject<MtkIommuDomain>
    {
        private static readonly LockClass s_lockClass = new("&dom->pgtlock", LockKind.Spin);
        private static readonly Layout s_layout = new("mtk_iommu_domain", IommuDomain.Layout);
        private static readonly FieldDescriptor s_lock = s_layout.Lock("pgtlock", 0x0, 0x0, s_lockClass);
        private static readonly FieldDescriptor s_data = s_layout.Word("data", 0x5c, 0xa0);

        public static Layout Layout => s_layout;

        public SpinLock TableLock => new(Address, s_lock);

        /// <summary>The instance; NULL until the domain is attached.</summary>
        public Field<MtkIommuData> Data => new(Address, s_data);
    }

    private sealed class PlatformDriver(MtkIommuV1 ops) : DeviceDriver(DriverName, InitcallLevel.Subsys)
    {
        /// <inheritdoc/>
        public override ImmutableArray<DriverSwitch> Switches => [new("attach", "before-group", "after-group"), new("group", "shared", "per-consumer")];

        /// <inheritdoc/>
        public override bool Matches(DeviceFacts device) => device.IsIommu && device.Node.Compatible.Contains("mediatek,mt2701-m4u");

        /// <inheritdoc/>
        /// <returns>0; -EPROBE_DEFER while a larb has no driver; or the core's error.</returns>
        [KernelSource("drivers/iommu/mtk_iommu_v1.c", "mtk_iommu_probe")]
        public override async Flow<Errno> Probe(KernelThread t, Device dev)
        {
            using var frame = t.Call("mtk_iommu_probe");
            var data = await t.Allocate<MtkIommuData>(new Home(HomeKind.Iommu, dev.Number));
            await t.Store(data.Dev, dev);

            // Up to v4.15 a larb need only be there; its driver may come later.
            if (t.Machine.Profile.Release.IsSince(5, 17))
            {
                foreach (var larb in t.Machine.SuppliersOf(dev, SupplierKind.MediaTekLarb))
                {
                    if (await t.Load(larb.Driver) == 0)
                    {
                        await t.Free(data);
                        return Errno.EProbeDefer;
                    }
                }
            }

            await t.Store(dev.DriverData, data.Address);
            var error = await IommuCore.IommuDeviceRegister(t, new IommuDevice(data.Address), ops, dev);
            if (error != Errno.None)
            {
                await t.Free(data);
                return error;
            }

            if (await t.Load(Soc.Globals.BusIommuOps) == 0)
            {
                await IommuCore.BusSetIommu(t, ops); // Its error is dropped.
            }

            return Errno.None;
        }
    }
}
