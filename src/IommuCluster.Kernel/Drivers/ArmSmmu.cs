using System.Collections.Immutable;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;

namespace IommuCluster.Kernel.Drivers;

/// <summary>SMMUv1 and v2 (Linux: <c>drivers/iommu/arm/arm-smmu/arm-smmu.c</c>), as it is up to v6.12.</summary>
internal sealed class ArmSmmu : IommuOps
{
    private static readonly string[] s_compatible =
        ["arm,smmu-v1", "arm,smmu-v2", "arm,mmu-400", "arm,mmu-401", "arm,mmu-500", "cavium,smmu-v2", "nvidia,smmu-500", "qcom,smmu-v2", "qcom,smmu-500"];

    /// <summary>The ops, before a machine numbers them.</summary>
    public ArmSmmu() => Driver = new PlatformDriver(this);

    /// <inheritdoc/>
    public override DeviceDriver Driver { get; }

    /// <inheritdoc/>
    public override string Name => "arm-smmu";

    /// <inheritdoc/>
    public override TableGeometry Tables => TableGeometry.Lpae39;

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_of_xlate")]
    public override async Flow<Errno> OfXlate(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells)
    {
        using var frame = t.Call("arm_smmu_of_xlate");
        var mask = cells.Length > 1 ? cells[1] : t.Machine.Devices[iommu].Node.StreamMatchMask;
        return await IommuCore.IommuFwspecAddIds(t, dev, (mask << 16) | (cells.IsEmpty ? 0 : cells[0] & 0xffff));
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_probe_device")]
    public override async Flow<IommuDevice> ProbeDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("arm_smmu_probe_device");
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        if (fwspec.Address.IsNull || await t.Load(fwspec.Ops) != Reference)
        {
            return new IommuDevice(Address.FromError(Errno.ENoDev));
        }

        var smmu = await ArmSmmuGetByFwnode(t, await t.Load(fwspec.IommuFwnode) - 1);
        var count = await t.Load(fwspec.NumIds);
        for (var i = 0; i < count; i++)
        {
            var id = await t.Load(fwspec.Id(i));
            if ((id & 0xffff & ~await t.Load(smmu.StreamidMask)) != 0)
            {
                return new IommuDevice(Address.FromError(Errno.EInval));
            }
        }

        var config = await t.Allocate<MasterConfig>(dev.Home, tail: count);
        await t.Store(config.Smmu, smmu);
        await IommuCore.DevIommuPrivSet(t, dev, config.Address);
        var error = await ArmSmmuMasterAllocSmes(t, dev, smmu, config, fwspec, count);
        if (error != Errno.None)
        {
            await t.Free(config);
            return new IommuDevice(Address.FromError(error));
        }

        return new IommuDevice(smmu.Address);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_release_device")]
    public override async Flow ReleaseDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call("arm_smmu_release_device");
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        var config = new MasterConfig(await IommuCore.DevIommuPrivGet(t, dev));
        var smmu = await t.Load(config.Smmu);
        var count = await t.Load(fwspec.NumIds);
        await t.Lock(smmu.StreamMapMutex);
        for (var i = 0; i < count; i++)
        {
            var entry = smmu.Entry(await t.Load(config.Index(i)));
            var left = await t.Load(entry.Count) - 1;
            await t.Store(entry.Count, left);
            if (left == 0)
            {
                await t.Store(entry.Id, 0UL);
                await t.Store(entry.Group, default);
            }
        }

        await DmaStream.Set(t, dev.Number, DmaStream.Fault);
        await t.Unlock(smmu.StreamMapMutex);
        await t.Free(config);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_device_group")]
    public override async Flow<IommuGroup> DeviceGroup(KernelThread t, Device dev)
    {
        using var frame = t.Call("arm_smmu_device_group");
        var config = new MasterConfig(await IommuCore.DevIommuPrivGet(t, dev));
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        var smmu = await t.Load(config.Smmu);
        var count = await t.Load(fwspec.NumIds);
        await t.Lock(smmu.StreamMapMutex);
        var group = default(IommuGroup);
        for (var i = 0; i < count; i++)
        {
            var other = await t.Load(smmu.Entry(await t.Load(config.Index(i))).Group);
            if (!group.Address.IsNull && !other.Address.IsNull && other.Address != group.Address)
            {
                await t.Unlock(smmu.StreamMapMutex);
                return new IommuGroup(Address.FromError(Errno.EInval));
            }

            group = other;
        }

        if (!group.Address.IsNull)
        {
            await t.Unlock(smmu.StreamMapMutex);
            return await IommuCore.IommuGroupRefGet(t, group);
        }

        group = await IommuCore.GenericDeviceGroup(t);
        for (var i = 0; i < count; i++)
        {
            await t.Store(smmu.Entry(await t.Load(config.Index(i))).Group, group);
        }

        await t.Unlock(smmu.StreamMapMutex);
        return group;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_def_domain_type")]
    public override DomainType? DefDomainType(Machine machine, DeviceFacts device) => ArmSmmuQcom.QcomSmmuDefDomainType(machine, device);

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_get_resv_regions")]
    public override ImmutableArray<ResvRegion> GetResvRegions(Machine machine, DeviceFacts device) => DmaIommu.IommuDmaGetResvRegions(machine, device);

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_domain_alloc")]
    public override async Flow<IommuDomain> DomainAlloc(KernelThread t, DomainType type)
    {
        if (type == DomainType.Blocked)
        {
            return default;
        }

        using var frame = t.Call("arm_smmu_domain_alloc");
        return type == DomainType.Identity && t.Machine.Profile.StaticIdentityDomains
            ? t.Machine.IdentityDomainOf(Reference - 1)
            : await t.AllocateHome<IommuDomain>(HomeKind.Domain);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_domain_free")]
    public override async Flow DomainFree(KernelThread t, IommuDomain domain)
    {
        using var frame = t.Call("arm_smmu_domain_free");
        var instance = await t.Load(domain.Instance);
        if (!instance.Address.IsNull)
        {
            var smmu = new SmmuDevice(instance.Address);
            await t.Exchange(smmu.ContextMap(await t.Load(domain.Context) - 1), false);
            var top = await t.Load(domain.Pgd);
            if (!top.IsNull)
            {
                await IoPageTable.FreeIoPgtableOps(t, new PageTable(top), Tables);
            }
        }

        await t.Free(domain);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_attach_dev")]
    public override async Flow<Errno> AttachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("arm_smmu_attach_dev");
        var config = new MasterConfig(await IommuCore.DevIommuPrivGet(t, dev));
        if (config.Address.IsNull)
        {
            return Errno.ENoDev;
        }

        var smmu = await t.Load(config.Smmu);
        var type = await t.Load(domain.Type);
        if (type >= DomainType.Unmanaged)
        {
            var error = await ArmSmmuInitDomainContext(t, domain, smmu, dev);
            if (error != Errno.None)
            {
                return error;
            }

            if ((await t.Load(domain.Instance)).Address != smmu.Address)
            {
                return Errno.EInval;
            }
        }

        await DmaStream.Set(t, dev.Number, type == DomainType.Identity ? DmaStream.Bypass : domain.Address);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_detach_dev")]
    public override async Flow DetachDev(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call("arm_smmu_detach_dev");
        await DmaStream.Set(t, dev.Number, DmaStream.Fault);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_map_pages")]
    public override async Flow<Errno> MapPages(KernelThread t, IommuDomain domain, ulong iova, ulong physical, ulong sizeBytes)
    {
        using var frame = t.Call("arm_smmu_map_pages");
        var top = await t.Load(domain.Pgd);
        return top.IsNull ? Errno.ENoDev : await IoPageTable.Map(t, new PageTable(top), Tables, iova, physical, sizeBytes);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_unmap_pages")]
    public override async Flow UnmapPages(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call("arm_smmu_unmap_pages");
        var top = await t.Load(domain.Pgd);
        if (!top.IsNull)
        {
            await IoPageTable.Unmap(t, new PageTable(top), Tables, iova);
        }
    }

    /// <summary>Finds an instance among the devices that the driver has <em>bound</em>: not while its own probe still runs (R25).</summary>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_get_by_fwnode")]
    private static async Flow<SmmuDevice> ArmSmmuGetByFwnode(KernelThread t, int iommu)
    {
        using var frame = t.Call();
        var dev = Machine.DeviceAt(iommu);
        return await t.Load(dev.KnodeDriver, Marking.Atomic) ? new SmmuDevice(await t.Load(dev.DriverData)) : default;
    }

    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_master_alloc_smes")]
    private static async Flow<Errno> ArmSmmuMasterAllocSmes(KernelThread t, Device dev, SmmuDevice smmu, MasterConfig config, IommuFwspec fwspec, int count)
    {
        using var frame = t.Call();
        await t.Lock(smmu.StreamMapMutex);
        for (var i = 0; i < count; i++)
        {
            var id = await t.Load(fwspec.Id(i));
            var index = await ArmSmmuFindSme(t, smmu, id);
            if (index < 0)
            {
                await t.Unlock(smmu.StreamMapMutex);
                return (Errno)index;
            }

            var entry = smmu.Entry(index);
            if (await t.Load(entry.Count) == 0)
            {
                await t.Store(entry.Id, ValidId(id));
            }

            await t.Store(entry.Count, await t.Load(entry.Count) + 1);
            await t.Store(config.Index(i), index);
        }

        await DmaStream.SetFirst(t, dev.Number, InitialStream(t.Machine, t.Machine.FactsOf(dev)));
        await t.Unlock(smmu.StreamMapMutex);
        return Errno.None;
    }

    /// <summary>
    /// What an entry does until a domain is attached: it faults (disable_bypass, since v5.2), unless a table's region (RMR)
    /// or Qualcomm's driver keeps the way that the boot loader had opened.
    /// </summary>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_rmr_install_bypass_smr")]
    private static Address InitialStream(Machine machine, DeviceFacts master) =>
        master.Regions.Any(region => region.IsFromTable) || (master.IsLiveAtBoot && ArmSmmuQcom.KeepsBootStreams(machine, machine.Devices[master.Iommus[0].Iommu]))
            ? DmaStream.Bypass
            : DmaStream.Fault;

    /// <summary>An entry that contains the id, or the lowest free one.</summary>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_find_sme")]
    private static async Flow<int> ArmSmmuFindSme(KernelThread t, SmmuDevice smmu, uint id)
    {
        var free = (int)Errno.ENoSpc;
        for (var i = 0; i < SmmuDevice.Entries(t.Machine); i++)
        {
            var present = await t.Load(smmu.Entry(i).Id);
            if (present == 0)
            {
                // Entries are taken from the lowest up; the rest of the table is free, too.
                return free < 0 ? i : free;
            }

            var mask = (uint)(present >> 16) & 0xffff;
            var differ = (id ^ (uint)(present & 0xffff)) & 0xffff;
            if ((id >> 16 & ~mask) == 0 && (differ & ~mask) == 0)
            {
                return i;
            }

            if ((differ & ~(mask | id >> 16)) == 0)
            {
                return (int)Errno.EInval;
            }
        }

        return free;
    }

    private static ulong ValidId(uint id) => (1UL << 32) | id;

    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_init_domain_context")]
    private static async Flow<Errno> ArmSmmuInitDomainContext(KernelThread t, IommuDomain domain, SmmuDevice smmu, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(domain.InitMutex);
        if (!(await t.Load(domain.Instance)).Address.IsNull)
        {
            await t.Unlock(domain.InitMutex);
            return Errno.None;
        }

        var context = await ArmSmmuAllocContextBank(t, smmu, dev);
        if (context < 0)
        {
            await t.Unlock(domain.InitMutex);
            return Errno.ENoSpc;
        }

        await t.Store(domain.Context, context + 1);
        await t.Store(domain.Instance, new IommuDevice(smmu.Address));
        var tables = await IoPageTable.AllocIoPgtableOps(t, domain.Address.Home, TableGeometry.Lpae39);
        await t.Unlock(domain.InitMutex);

        // Publish the page table ops for map and unmap, unlocked and unmarked.
        await t.Store(domain.Pgd, tables.Address);
        return Errno.None;
    }

    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_alloc_context_bank")]
    private static async Flow<int> ArmSmmuAllocContextBank(KernelThread t, SmmuDevice smmu, Device dev)
    {
        var contexts = smmu.Contexts(t.Machine);
        var (start, end) = ArmSmmuQcom.IsAdreno(t.Machine, t.Machine.Devices[smmu.Address.Home.Index])
            ? await ArmSmmuQcom.QcomAdrenoSmmuAllocContextBank(t, dev, contexts)
            : (0, contexts);
        return await ArmSmmuAllocBitmap(t, smmu, start, end);
    }

    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.h", "__arm_smmu_alloc_bitmap")]
    private static async Flow<int> ArmSmmuAllocBitmap(KernelThread t, SmmuDevice smmu, int start, int end)
    {
        for (var i = start; i < end; i++)
        {
            if (!await t.Exchange(smmu.ContextMap(i), true))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>A <c>struct arm_smmu_device</c>; the core's instance is its first member.</summary>
    private readonly record struct SmmuDevice(Address Address) : IKernelObject<SmmuDevice>
    {
        private const int WordsPerEntry = 3;
        private static readonly LockClass s_streamMapClass = new("&smmu->stream_map_mutex", LockKind.Mutex);
        private static readonly Layout s_layout = new("arm_smmu_device", IommuDevice.Layout);
        private static readonly FieldDescriptor s_streamidMask = s_layout.Word("streamid_mask", 0x5c, 0x9c);
        private static readonly FieldDescriptor s_streamMapMutex = s_layout.Lock("stream_map_mutex", 0x68, 0xb8, s_streamMapClass);
        private static readonly FieldDescriptor s_tail = s_layout.Tail("context_map", 0x48, 0x80);

        public static Layout Layout => s_layout;

        public Field<uint> StreamidMask => new(Address, s_streamidMask);

        public Mutex StreamMapMutex => new(Address, s_streamMapMutex);

        public Field<bool> ContextMap(int index) => new(Address, s_tail, index);

        public StreamEntry Entry(int index) => new(Address, s_tail, MaxContexts + (index * WordsPerEntry));

        /// <summary>Context banks: interrupts that are not global bound them; hardware has at most 128.</summary>
        public int Contexts(Machine machine)
        {
            var facts = machine.Devices[Address.Home.Index];
            var bound = Math.Clamp(facts.Node.Interrupts - facts.Node.GlobalInterrupts, 1, MaxContexts);
            return int.TryParse(machine.SwitchOf("arm-smmu", "context-banks", string.Empty), out var asked) ? Math.Min(asked, MaxContexts) : bound;
        }

        /// <summary>Stream map entries: what the architecture allows at most; device trees do not tell.</summary>
        public static int Entries(Machine machine) =>
            int.TryParse(machine.SwitchOf("arm-smmu", "stream-map-entries", string.Empty), out var asked) ? Math.Min(asked, MaxEntries) : MaxEntries;

        public static int TailWords => MaxContexts + (MaxEntries * WordsPerEntry);

        private const int MaxContexts = 128;
        private const int MaxEntries = 128;
    }

    /// <summary>One stream map entry: SMR and S2CR with what the driver knows about them.</summary>
    private readonly record struct StreamEntry(Address Smmu, FieldDescriptor Tail, int First)
    {
        /// <summary>Id, mask and a valid bit; 0 while free.</summary>
        public Field<ulong> Id => new(Smmu, Tail, First);

        public Field<int> Count => new(Smmu, Tail, First + 1);

        public Field<IommuGroup> Group => new(Smmu, Tail, First + 2);
    }

    /// <summary>A <c>struct arm_smmu_master_cfg</c>.</summary>
    private readonly record struct MasterConfig(Address Address) : IKernelObject<MasterConfig>
    {
        private static readonly Layout s_layout = new("arm_smmu_master_cfg");
        private static readonly FieldDescriptor s_smmu = s_layout.Word("smmu", 0, 0);
        private static readonly FieldDescriptor s_smendx = s_layout.Tail("smendx", 4, 8);

        public static Layout Layout => s_layout;

        public Field<SmmuDevice> Smmu => new(Address, s_smmu);

        public Field<int> Index(int id) => new(Address, s_smendx, id);
    }

    private sealed class PlatformDriver(ArmSmmu ops) : DeviceDriver("arm-smmu", InitcallLevel.Device)
    {
        /// <inheritdoc/>
        public override ImmutableArray<DriverSwitch> Switches => [new("context-banks"), new("stream-map-entries")];

        /// <inheritdoc/>
        public override bool Matches(DeviceFacts device) => device.IsIommu && device.Node.Compatible.Any(s_compatible.Contains);

        /// <inheritdoc/>
        [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_device_probe", Release = "v6.12")]
        public override async Flow<Errno> Probe(KernelThread t, Device dev)
        {
            using var frame = t.Call("arm_smmu_device_probe");
            var smmu = await t.Allocate<SmmuDevice>(new Home(HomeKind.Iommu, dev.Number), tail: SmmuDevice.TailWords);
            await t.Store(smmu.StreamidMask, 0x7fffu);
            var error = await IommuCore.IommuDeviceRegister(t, new IommuDevice(smmu.Address), ops, dev);
            if (error != Errno.None)
            {
                await t.Free(smmu);
                return error;
            }

            await t.Store(dev.DriverData, smmu.Address);
            await ArmSmmuDeviceReset(t, dev);
            if (await t.Load(Soc.Globals.BusIommuOps) == 0)
            {
                await IommuCore.BusSetIommu(t, ops);
            }

            return Errno.None;
        }

        /// <summary>Rewrites every stream entry: what has no domain does from now on what an entry does at first.</summary>
        [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu.c", "arm_smmu_device_reset")]
        private static async Flow ArmSmmuDeviceReset(KernelThread t, Device dev)
        {
            using var frame = t.Call();
            foreach (var master in t.Machine.Devices)
            {
                if (!master.Iommus.IsEmpty && master.Iommus[0].Iommu == dev.Number)
                {
                    await DmaStream.SetFirst(t, master.Number, InitialStream(t.Machine, master));
                }
            }
        }
    }
}
