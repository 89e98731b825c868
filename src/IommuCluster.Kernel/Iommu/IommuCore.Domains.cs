using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Iommu;

/// <content>Domains: making, default domains, attaching and detaching, mapping.</content>
internal static partial class IommuCore
{
    /// <summary>Makes a domain that a driver manages itself (Linux: <c>iommu_domain_alloc</c> by bus, <c>iommu_paging_domain_alloc</c> by device).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device that the domain is for.</param>
    /// <returns>The domain, or NULL when the device has no IOMMU.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_domain_alloc")]
    internal static async Flow<IommuDomain> IommuDomainAlloc(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var reference = t.Machine.Profile.OpsFromBus
            ? await t.Load(Soc.Globals.BusIommuOps)
            : await OpsOfProbed(t, dev);
        return reference == 0 ? default : await __IommuDomainAlloc(t, t.Machine.Ops[reference - 1], DomainType.Unmanaged);
    }

    /// <summary>Frees a domain; static ones stay.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <returns>Completes when it is gone.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_domain_free")]
    internal static async Flow IommuDomainFree(KernelThread t, IommuDomain domain)
    {
        if (domain.Address.Home.Kind != HomeKind.Domain)
        {
            return; // Static domains have no free op.
        }

        using var frame = t.Call();
        var owner = await t.Load(domain.Owner);
        await t.Machine.Ops[owner - 1].DomainFree(t, domain);
    }

    /// <summary>Attaches a domain to the group of a device, which must be its only member.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0; -ENODEV without group; -EINVAL with siblings or another driver's domain; -EBUSY by the era's rule; or the driver's error.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_attach_device")]
    internal static async Flow<Errno> IommuAttachDevice(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (t.Machine.Profile.AttachChecksGroup && group.Address.IsNull)
        {
            return Errno.ENoDev;
        }

        await t.Lock(group.Mutex);
        var error = await IommuGroupDeviceCount(t, group) == 1 ? await __IommuAttachGroup(t, domain, group) : Errno.EInval;
        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
        return error;
    }

    /// <summary>Detaches a domain from the group of a device.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain that must be attached.</param>
    /// <param name="dev">The device, its group's only member.</param>
    /// <returns>Completes when the group is on the core's choice of domain.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_detach_device")]
    internal static async Flow IommuDetachDevice(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (t.Machine.Profile.AttachChecksGroup && group.Address.IsNull)
        {
            return;
        }

        await t.Lock(group.Mutex);
        var current = await t.Load(group.Domain);
        if (!t.WarnOn(current.Address != domain.Address, "iommu_detach_device: domain is not attached"))
        {
            await IommuGroupSetCoreDomain(t, group);
        }

        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
    }

    /// <summary>The domain that a device's group is on; read without the group's mutex, as in the kernel.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The domain, or NULL.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_get_domain_for_dev")]
    internal static async Flow<IommuDomain> IommuGetDomainForDev(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (group.Address.IsNull)
        {
            return default;
        }

        var domain = await t.Load(group.Domain);
        await IommuGroupPut(t, group);
        return domain;
    }

    /// <summary>Maps a range, in the largest pages and blocks that fit.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain; its life is the caller's business.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <param name="physical">Physical address, page aligned.</param>
    /// <param name="lengthBytes">Length, a multiple of the page.</param>
    /// <returns>0 or an error; what was mapped before it is unmapped again.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_map")]
    internal static async Flow<Errno> IommuMap(KernelThread t, IommuDomain domain, ulong iova, ulong physical, ulong lengthBytes)
    {
        using var frame = t.Call();
        if (await t.Load(domain.Type) < DomainType.Unmanaged)
        {
            return Errno.EInval;
        }

        var ops = t.Machine.Ops[await t.Load(domain.Owner) - 1];
        for (var mapped = 0UL; mapped < lengthBytes;)
        {
            var size = ops.Tables.PageSizeFor((iova + mapped) | (physical + mapped), lengthBytes - mapped);
            var error = await ops.MapPages(t, domain, iova + mapped, physical + mapped, size);
            if (error != Errno.None)
            {
                for (var undone = 0UL; undone < mapped; undone += ops.Tables.PageSizeFor((iova + undone) | (physical + undone), mapped - undone))
                {
                    await ops.UnmapPages(t, domain, iova + undone);
                }

                return error;
            }

            mapped += size;
        }

        return Errno.None;
    }

    /// <summary>Unmaps a page and waits until the hardware has forgotten it.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <returns>Completes when no access through it is possible.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_unmap")]
    internal static async Flow IommuUnmap(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call();
        await t.Machine.Ops[await t.Load(domain.Owner) - 1].UnmapPages(t, domain, iova);
    }

    /// <summary>Translates an address as a domain's tables say, whatever the hardware remembers.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain; its life is the caller's business.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <returns>The physical address; 0 where nothing is mapped.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_iova_to_phys")]
    internal static async Flow<ulong> IommuIovaToPhys(KernelThread t, IommuDomain domain, ulong iova)
    {
        using var frame = t.Call();
        switch (await t.Load(domain.Type))
        {
            case DomainType.Identity:
                return iova;
            case DomainType.Blocked:
                return 0;
            default:
                var tables = t.Machine.Ops[await t.Load(domain.Owner) - 1].Tables;
                var top = new PageTable(await t.Load(domain.Pgd)); // As in map and unmap.
                return top.Address.IsNull ? 0 : await IoPageTable.Walk(t, top, tables, iova, Marking.Once) ?? 0;
        }
    }

    [KernelSource("drivers/iommu/iommu.c", "__iommu_domain_alloc")]
    private static async Flow<IommuDomain> __IommuDomainAlloc(KernelThread t, IommuOps ops, DomainType type)
    {
        using var frame = t.Call();
        if (type == DomainType.Dma && t.Machine.Architecture == Architecture.Arm)
        {
            return default; // No CONFIG_IOMMU_DMA on ARM32, so iommu_get_dma_cookie fails.
        }

        var domain = await ops.DomainAlloc(t, type);
        if (!domain.Address.IsNull && domain.Address.Home.Kind == HomeKind.Domain)
        {
            await t.Store(domain.Type, type);
            await t.Store(domain.Owner, ops.Reference);
        }

        return domain;
    }

    /// <summary>The ops of the instance that accepted a device, by a caller that takes it for granted that one has: where a race has undone that, it oopses.</summary>
    [KernelSource("include/linux/iommu.h", "dev_iommu_ops", Release = "v6.1")]
    private static async Flow<IommuOps> DevIommuOps(KernelThread t, Device dev)
    {
        if (t.Machine.Profile.CoreCalls == CoreCalls.AddDevice)
        {
            return t.Machine.Ops[await t.Load(Soc.Globals.BusIommuOps) - 1];
        }

        var instance = await t.Load((await t.Load(dev.Iommu)).IommuDev);
        return t.Machine.Ops[await t.Load(instance.Ops) - 1];
    }

    /// <summary>The ops of the instance that accepted a device; 0 when none has.</summary>
    private static async Flow<int> OpsOfProbed(KernelThread t, Device dev)
    {
        if (t.Machine.Profile.CoreCalls == CoreCalls.AddDevice)
        {
            return await t.Load(Soc.Globals.BusIommuOps);
        }

        var param = await t.Load(dev.Iommu);
        if (param.Address.IsNull)
        {
            return 0;
        }

        var instance = await t.Load(param.IommuDev);
        return instance.Address.IsNull ? 0 : await t.Load(instance.Ops);
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_get_def_domain_type")]
    private static DomainType IommuGetDefDomainType(Machine machine, IommuOps ops, Device dev) =>
        machine.Architecture == Architecture.Arm && machine.Profile.DefaultDomainRequired ? DomainType.Identity
            : ops.DefDomainType(machine, machine.FactsOf(dev)) ?? DomainType.Dma;

    /// <summary>What all members agree on; where they do not, identity (v6.5 and later).</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_get_default_domain_type", Release = "v6.6")]
    private static async Flow<DomainType> IommuGetDefaultDomainType(KernelThread t, IommuGroup group, IommuOps ops)
    {
        t.AssertHeld(group.Mutex);
        var type = DomainType.Dma;
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            if (IommuGetDefDomainType(t.Machine, ops, await t.Load(GroupDevice.FromList(at).Dev)) == DomainType.Identity)
            {
                type = DomainType.Identity;
            }
        }

        return type;
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_alloc_default_domain", Release = "v6.2")]
    private static async Flow IommuAllocDefaultDomain(KernelThread t, IommuGroup group, Device dev)
    {
        if (!(await t.Load(group.DefaultDomain)).Address.IsNull)
        {
            return;
        }

        using var frame = t.Call();
        var ops = await DevIommuOps(t, dev);
        var domain = await __IommuDomainAlloc(t, ops, IommuGetDefDomainType(t.Machine, ops, dev));
        if (!domain.Address.IsNull)
        {
            await t.Store(group.DefaultDomain, domain);
            if ((await t.Load(group.Domain)).Address.IsNull)
            {
                await t.Store(group.Domain, domain);
            }
        }
    }

    /// <summary>Chooses, makes and attaches the default domain of a group (v6.5 and later).</summary>
    /// <param name="t">The running thread; holds the group's mutex.</param>
    /// <param name="group">The group.</param>
    /// <param name="asked">What a user wants it to be; null for the core's choice.</param>
    /// <returns>0; -ENODEV when the driver has no such domain; or why attaching failed, and then all is as before.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_setup_default_domain", Release = "v6.6")]
    private static async Flow<Errno> IommuSetupDefaultDomain(KernelThread t, IommuGroup group, DomainType? asked = null)
    {
        t.AssertHeld(group.Mutex);
        using var frame = t.Call();
        var first = GroupDevice.FromList(await t.Load(group.Devices.Next));
        var ops = await DevIommuOps(t, await t.Load(first.Dev));
        var domain = await __IommuDomainAlloc(t, ops, asked ?? await IommuGetDefaultDomainType(t, group, ops));
        if (domain.Address.IsNull)
        {
            // Up to v6.6 a group may have none; since 98ac73f99bc4 that fails the probe.
            return asked is not null || t.Machine.Profile.DefaultDomainRequired ? Errno.ENoDev : Errno.None;
        }

        var old = await t.Load(group.DefaultDomain);
        if (old.Address == domain.Address)
        {
            return Errno.None;
        }

        // A domain that its driver makes ready only as it is attached refuses, and is asked again then.
        var refused = await IommuGroupCreateDirectMappings(t, group, domain) != Errno.None;
        await t.Store(group.DefaultDomain, domain);
        var isFirst = (await t.Load(group.Domain)).Address.IsNull;
        var error = await __IommuGroupSetDomain(t, group, domain);
        if (isFirst)
        {
            t.WarnOn(error != Errno.None, "iommu_setup_default_domain: first attach failed");
        }
        else if (error != Errno.None)
        {
            await t.Store(group.DefaultDomain, old);
            await IommuDomainFree(t, domain);
            return error;
        }

        if (refused)
        {
            await IommuGroupCreateDirectMappings(t, group, domain);
        }

        if (!old.Address.IsNull)
        {
            await IommuDomainFree(t, old);
        }

        return Errno.None;
    }

    /// <summary>The direct mappings of all members.</summary>
    /// <returns>0, or the last error.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_create_direct_mappings")]
    private static async Flow<Errno> IommuGroupCreateDirectMappings(KernelThread t, IommuGroup group, IommuDomain domain)
    {
        if (!t.Machine.HasRegions)
        {
            return Errno.None;
        }

        using var frame = t.Call();
        var result = Errno.None;
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            var error = await IommuCreateDeviceDirectMappings(t, domain, await t.Load(GroupDevice.FromList(at).Dev));
            result = error == Errno.None ? result : error;
        }

        return result;
    }

    /// <summary>Maps 1:1 what firmware says that the device already uses.</summary>
    /// <returns>0, or why its driver could not.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_create_device_direct_mappings")]
    private static async Flow<Errno> IommuCreateDeviceDirectMappings(KernelThread t, IommuDomain domain, Device dev)
    {
        const ulong PageMask = 0xfff;
        if (t.Machine.FactsOf(dev).Regions.IsEmpty || await t.Load(domain.Type) != DomainType.Dma)
        {
            return Errno.None;
        }

        using var frame = t.Call();
        var ops = t.Machine.Ops[await t.Load(domain.Owner) - 1];
        foreach (var region in ops.GetResvRegions(t.Machine, t.Machine.FactsOf(dev)).Where(region => region.Type == ResvType.Direct))
        {
            // Both ends are rounded up; a range that another member has mapped is the same range.
            var start = (region.Start + PageMask) & ~PageMask;
            var end = (region.Start + region.LengthBytes + PageMask) & ~PageMask;
            if (await IommuIovaToPhys(t, domain, start) != 0)
            {
                continue;
            }

            var error = await IommuMap(t, domain, start, start, end - start);
            if (error != Errno.None)
            {
                return error;
            }
        }

        return Errno.None;
    }

    [KernelSource("drivers/iommu/iommu.c", "__iommu_attach_group")]
    private static async Flow<Errno> __IommuAttachGroup(KernelThread t, IommuDomain domain, IommuGroup group)
    {
        using var frame = t.Call();
        var current = await t.Load(group.Domain);
        var defaultDomain = await t.Load(group.DefaultDomain);
        var busy = t.Machine.Profile.BusyRule switch
        {
            BusyRule.A => !defaultDomain.Address.IsNull && current.Address != defaultDomain.Address,
            BusyRule.B => !current.Address.IsNull && current.Address != defaultDomain.Address,
            BusyRule.C => !current.Address.IsNull && current.Address != defaultDomain.Address
                && current.Address != (await t.Load(group.BlockingDomain)).Address,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (busy)
        {
            return Errno.EBusy;
        }

        if (t.Machine.Profile.DomainOwnerChecked)
        {
            var first = GroupDevice.FromList(await t.Load(group.Devices.Next));
            if (await t.Load(domain.Owner) != await OpsOfProbed(t, await t.Load(first.Dev)))
            {
                return Errno.EInval;
            }
        }

        return await __IommuGroupSetDomain(t, group, domain);
    }

    /// <summary>Attaches every member; what a failure leaves is the era's business.</summary>
    [KernelSource("drivers/iommu/iommu.c", "__iommu_group_set_domain")]
    private static async Flow<Errno> __IommuGroupSetDomain(KernelThread t, IommuGroup group, IommuDomain domain)
    {
        using var frame = t.Call();
        var old = await t.Load(group.Domain);
        if (old.Address == domain.Address)
        {
            return Errno.None;
        }

        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            var error = await __IommuAttachDevice(t, domain, await t.Load(GroupDevice.FromList(at).Dev));
            if (error == Errno.None)
            {
                continue;
            }

            if (t.Machine.Profile.AttachFailure == AttachFailure.Revert && !old.Address.IsNull)
            {
                for (var back = await t.Load(group.Devices.Next); back != at; back = await t.Load(new ListHead(back).Next))
                {
                    t.WarnOn(
                        await __IommuAttachDevice(t, old, await t.Load(GroupDevice.FromList(back).Dev)) != Errno.None,
                        "__iommu_group_set_domain: return to the old domain failed");
                }
            }

            return error;
        }

        await t.Store(group.Domain, domain);
        return Errno.None;
    }

    /// <summary>Puts a group on the core's choice: blocking while owned, else the default domain, else none.</summary>
    [KernelSource("drivers/iommu/iommu.c", "__iommu_group_set_core_domain")]
    private static async Flow IommuGroupSetCoreDomain(KernelThread t, IommuGroup group)
    {
        using var frame = t.Call();
        var owned = t.Machine.Profile.DmaOwnership && await t.Load(group.Owner) != 0;
        var target = owned ? await t.Load(group.BlockingDomain) : await t.Load(group.DefaultDomain);
        if (!target.Address.IsNull)
        {
            t.WarnOn(await __IommuGroupSetDomain(t, group, target) != Errno.None, "__iommu_group_set_core_domain: attach failed");
            return;
        }

        var old = await t.Load(group.Domain);
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            var dev = await t.Load(GroupDevice.FromList(at).Dev);
            await t.Machine.Ops[await t.Load(old.Owner) - 1].DetachDev(t, old, dev);
        }

        await t.Store(group.Domain, default);
    }

    [KernelSource("drivers/iommu/iommu.c", "__iommu_attach_device")]
    private static async Flow<Errno> __IommuAttachDevice(KernelThread t, IommuDomain domain, Device dev)
    {
        using var frame = t.Call();
        return await t.Machine.Ops[await t.Load(domain.Owner) - 1].AttachDev(t, domain, dev);
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_group_device_count")]
    private static async Flow<int> IommuGroupDeviceCount(KernelThread t, IommuGroup group)
    {
        var count = 0;
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            count++;
        }

        return count;
    }
}
