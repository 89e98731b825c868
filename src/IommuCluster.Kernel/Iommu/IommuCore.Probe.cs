using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Iommu;

/// <content>The core's probe of a device and what undoes it.</content>
internal static partial class IommuCore
{
    /// <summary>Hears of a device that comes or that has gone.</summary>
    /// <param name="t">The running thread; holds the notifier's rwsem for reading.</param>
    /// <param name="dev">The device.</param>
    /// <param name="isRemoved">True when it has gone.</param>
    /// <returns>Completes when it was tried, or let go; errors are dropped.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_bus_notifier")]
    internal static async Flow IommuBusNotifier(KernelThread t, Device dev, bool isRemoved)
    {
        using var frame = t.Call();
        if (!isRemoved)
        {
            await IommuProbeDevice(t, dev);
        }
        else
        {
            await IommuReleaseDevice(t, dev);
        }
    }

    /// <summary>Probes a device on its own: from the notifier, or replayed by a driver's bind.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0 also when it was probed before; -ENODEV when no driver wants it.</returns>
    internal static Flow<Errno> IommuProbeDevice(KernelThread t, Device dev) =>
        t.Machine.Profile.CoreCalls == CoreCalls.AddDevice ? AddDevice(t, dev)
            : t.Machine.Profile.ProbeLock == ProbeLock.Caller ? IommuProbeDevice66(t, dev)
            : IommuProbeDevice58(t, dev);

    /// <summary>What a registration walk did with each device of the bus up to v5.7.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0, or an error that ends the walk; -ENODEV is none.</returns>
    [KernelSource("drivers/iommu/iommu.c", "add_iommu_group", Release = "v4.15")]
    private static async Flow<Errno> AddIommuGroup(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        t.WarnOn(!(await t.Load(dev.IommuGroup)).Address.IsNull, "add_iommu_group: the device has a group");
        var error = await AddDevice(t, dev);
        return error == Errno.ENoDev ? Errno.None : error;
    }

    /// <summary>Hands a device to the driver, which does it all (up to v5.7). No lock, no test whether it was done before.</summary>
    private static async Flow<Errno> AddDevice(KernelThread t, Device dev)
    {
        var reference = await t.Load(Soc.Globals.BusIommuOps);
        if (reference == 0)
        {
            // A registered instance whose bus has no ops yet: a bind finds its ops in the fwspec.
            var fwspec = await DevIommuFwspecGet(t, dev);
            reference = fwspec.Address.IsNull ? 0 : await t.Load(fwspec.Ops);
        }

        return reference == 0 ? Errno.ENoDev : await t.Machine.Ops[reference - 1].AddDevice(t, dev);
    }

    /// <summary>What a registration walk does with each device of the bus.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="groups">The walk's list of groups that still need a default domain.</param>
    /// <returns>0, or an error that ends the walk; -ENODEV is none.</returns>
    [KernelSource("drivers/iommu/iommu.c", "probe_iommu_group")]
    private static async Flow<Errno> ProbeIommuGroup(KernelThread t, Device dev, ListHead groups)
    {
        using var frame = t.Call();
        Errno error;
        if (t.Machine.Profile.AlreadyProbedCheckLocked)
        {
            var soc = Soc.Globals;
            await t.Lock(soc.IommuProbeDeviceLock);
            error = await IommuProbeDeviceLocked(t, dev, groups);
            await t.Unlock(soc.IommuProbeDeviceLock);
        }
        else
        {
            // The unlocked test that two walks pass at the same time.
            var group = await IommuGroupGet(t, dev);
            if (!group.Address.IsNull)
            {
                await IommuGroupPut(t, group);
                return Errno.None;
            }

            error = await __IommuProbeDevice(t, dev, groups);
        }

        return error == Errno.ENoDev ? Errno.None : error;
    }

    /// <summary>The form of v5.8 to v6.5: join, then default domain and attach in a second section.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_probe_device", Release = "v6.2")]
    private static async Flow<Errno> IommuProbeDevice58(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var error = await __IommuProbeDevice(t, dev, groups: null);
        if (error != Errno.None)
        {
            return error;
        }

        var group = await IommuGroupGet(t, dev);
        if (group.Address.IsNull)
        {
            return Errno.ENoDev;
        }

        await t.Lock(group.Mutex);
        await IommuAllocDefaultDomain(t, group, dev);
        var domain = await t.Load(group.DefaultDomain);
        if (!domain.Address.IsNull && await t.Load(group.Owner) == 0)
        {
            error = await __IommuAttachDevice(t, domain, dev);
            if (error == Errno.None)
            {
                // Only now (until 152431e4fe7f, v6.5): what is running faults until its mappings are there.
                await t.Store(group.Domain, domain);
                await IommuCreateDeviceDirectMappings(t, domain, dev);
            }
        }

        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
        if (error != Errno.None)
        {
            await IommuReleaseDevice(t, dev);
            return error;
        }

        await ProbeFinalize(t, dev);
        return Errno.None;
    }

    /// <summary>The form since v6.6: the caller's lock covers the whole of it.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_probe_device", Release = "v6.6")]
    private static async Flow<Errno> IommuProbeDevice66(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.IommuProbeDeviceLock);
        var error = await IommuProbeDeviceLocked(t, dev, groups: null);
        await t.Unlock(soc.IommuProbeDeviceLock);
        if (error == Errno.None)
        {
            await ProbeFinalize(t, dev);
        }

        return error;
    }

    /// <summary>The last call of a device's probe, for the drivers that ask for it.</summary>
    private static async Flow ProbeFinalize(KernelThread t, Device dev)
    {
        if (t.Machine.FinalizesProbes)
        {
            var ops = await DevIommuOps(t, dev);
            await ops.ProbeFinalize(t, dev);
        }
    }

    /// <summary>The form up to v6.5; from v6.2 on with a mutex of its own.</summary>
    [KernelSource("drivers/iommu/iommu.c", "__iommu_probe_device", Release = "v6.2")]
    private static async Flow<Errno> __IommuProbeDevice(KernelThread t, Device dev, ListHead? groups)
    {
        using var frame = t.Call();
        var reference = await t.Load(Soc.Globals.BusIommuOps);
        if (reference == 0)
        {
            return Errno.ENoDev;
        }

        var soc = Soc.Globals;
        var locked = t.Machine.Profile.ProbeLock == ProbeLock.Inner;
        if (locked)
        {
            await t.Lock(soc.IommuProbeDeviceLock);
        }

        var error = await IommuProbeDeviceInner(t, dev, t.Machine.Ops[reference - 1], groups);
        if (locked)
        {
            await t.Unlock(soc.IommuProbeDeviceLock);
        }

        return error;
    }

    [KernelSource("drivers/iommu/iommu.c", "__iommu_probe_device", Release = "v6.1")]
    private static async Flow<Errno> IommuProbeDeviceInner(KernelThread t, Device dev, IommuOps ops, ListHead? groups)
    {
        await DevIommuGet(t, dev);
        var instance = await ops.ProbeDevice(t, dev);
        if (instance.Address.IsError)
        {
            await DevIommuFree(t, dev);
            return instance.Address.ToError();
        }

        await t.Store((await t.Load(dev.Iommu)).IommuDev, instance);
        var group = await IommuGroupGetForDev(t, dev, ops);
        if (group.Address.IsError)
        {
            await ops.ReleaseDevice(t, dev);
            await DevIommuFree(t, dev);
            return group.Address.ToError();
        }

        if (groups is { } list)
        {
            // 01657bc14a39 added the mutex around the list together with the probe lock.
            var guarded = t.Machine.Profile.ProbeLock == ProbeLock.Inner;
            if (guarded)
            {
                await t.Lock(group.Mutex);
            }

            if ((await t.Load(group.DefaultDomain)).Address.IsNull && await Lists.IsEmpty(t, group.Entry))
            {
                await Lists.AddTail(t, group.Entry, list);
            }

            if (guarded)
            {
                await t.Unlock(group.Mutex);
            }
        }

        await IommuGroupPut(t, group);
        return Errno.None;
    }

    /// <summary>The form since v6.6.</summary>
    [KernelSource("drivers/iommu/iommu.c", "__iommu_probe_device", Release = "v6.6")]
    private static async Flow<Errno> IommuProbeDeviceLocked(KernelThread t, Device dev, ListHead? groups)
    {
        t.AssertHeld(Soc.Globals.IommuProbeDeviceLock);
        using var frame = t.Call();
        var reference = await OpsOf(t, dev);
        if (reference == 0)
        {
            return Errno.ENoDev;
        }

        if (!(await t.Load(dev.IommuGroup)).Address.IsNull)
        {
            return Errno.None; // Probed already.
        }

        var ops = t.Machine.Ops[reference - 1];
        var error = await IommuInitDevice(t, dev, ops);
        if (error != Errno.None)
        {
            return error;
        }

        var group = await t.Load(dev.IommuGroup);
        var member = await IommuGroupAllocDevice(t, dev);
        await t.Lock(group.Mutex);
        await Lists.AddTail(t, member.List, group.Devices);
        var defaultDomain = await t.Load(group.DefaultDomain);
        if (!defaultDomain.Address.IsNull)
        {
            await IommuCreateDeviceDirectMappings(t, defaultDomain, dev);
        }

        var domain = await t.Load(group.Domain);
        if (!domain.Address.IsNull)
        {
            error = await __IommuAttachDevice(t, domain, dev);
        }
        else if (defaultDomain.Address.IsNull && groups is null)
        {
            error = await IommuSetupDefaultDomain(t, group);
        }
        else if (defaultDomain.Address.IsNull && await Lists.IsEmpty(t, group.Entry))
        {
            await Lists.AddTail(t, group.Entry, groups!.Value);
        }

        if (error != Errno.None)
        {
            await Lists.DelInit(t, member.List);
            await t.Free(member);
            await IommuDeinitDevice(t, dev, group, ops);
            await t.Unlock(group.Mutex);
            await IommuGroupPut(t, group);
            return error;
        }

        if (t.Machine.Profile.DmaOpsSetter == DmaOpsSetter.Core && !(await t.Load(group.DefaultDomain)).Address.IsNull)
        {
            await Dma.DmaIommu.IommuSetupDmaOps(t, dev);
        }

        await t.Unlock(group.Mutex);
        return Errno.None;
    }

    /// <summary>The ops that are asked about a device.</summary>
    private static async Flow<int> OpsOf(KernelThread t, Device dev)
    {
        if (t.Machine.Profile.OpsFromBus)
        {
            return await t.Load(Soc.Globals.BusIommuOps);
        }

        var fwspec = await DevIommuFwspecGet(t, dev);
        var ops = fwspec.Address.IsNull ? 0 : await t.Load(fwspec.Ops);
        return ops != 0 ? ops : await IommuOpsFromFwnode(t, iommu: -1);
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_init_device", Release = "v6.6")]
    private static async Flow<Errno> IommuInitDevice(KernelThread t, Device dev, IommuOps ops)
    {
        using var frame = t.Call();
        await DevIommuGet(t, dev);
        var instance = await ops.ProbeDevice(t, dev);
        if (instance.Address.IsError)
        {
            await DevIommuFree(t, dev);
            return instance.Address.ToError();
        }

        // Since v6.7 the instance is known before the group is asked for.
        if (t.Machine.Profile.DefaultDomainRequired)
        {
            await t.Store((await t.Load(dev.Iommu)).IommuDev, instance);
        }

        var group = await ops.DeviceGroup(t, dev);
        if (group.Address.IsError)
        {
            await ops.ReleaseDevice(t, dev);
            await DevIommuFree(t, dev);
            return group.Address.ToError();
        }

        await t.Store(dev.IommuGroup, group);
        if (!t.Machine.Profile.DefaultDomainRequired)
        {
            await t.Store((await t.Load(dev.Iommu)).IommuDev, instance);
        }

        return Errno.None;
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_deinit_device", Release = "v6.6")]
    private static async Flow IommuDeinitDevice(KernelThread t, Device dev, IommuGroup group, IommuOps ops)
    {
        t.AssertHeld(group.Mutex);
        using var frame = t.Call();
        await ops.ReleaseDevice(t, dev);
        if (await Lists.IsEmpty(t, group.Devices))
        {
            await FreeGroupDomains(t, group);
        }

        await t.Store(dev.IommuGroup, default);
        await DevIommuFree(t, dev);
    }

    /// <summary>Undoes the probe of a device, whose driver is gone.</summary>
    private static Flow IommuReleaseDevice(KernelThread t, Device dev) =>
        t.Machine.Profile.CoreCalls == CoreCalls.AddDevice ? RemoveDevice(t, dev)
            : t.Machine.Profile.ProbeLock == ProbeLock.Caller ? IommuReleaseDevice66(t, dev)
            : IommuReleaseDevice58(t, dev);

    /// <summary>Up to v5.7 it is all the driver's business, as bringing the device in was.</summary>
    [KernelSource("(IOMMU drivers up to v5.7)", "remove_device", Release = "v4.15")]
    private static async Flow RemoveDevice(KernelThread t, Device dev)
    {
        var group = await t.Load(dev.IommuGroup);
        if (group.Address.IsNull)
        {
            return;
        }

        using var frame = t.Call();
        var fwspec = await DevIommuFwspecGet(t, dev);
        await t.Machine.Ops[await t.Load(fwspec.Ops) - 1].ReleaseDevice(t, dev);
        await IommuGroupRemoveDevice(t, group, dev);
        await IommuFwspecFree(t, dev);
    }

    /// <summary>The form of v5.8 to v6.5: the driver lets go before the device leaves its group.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_release_device", Release = "v6.2")]
    private static async Flow IommuReleaseDevice58(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var param = await t.Load(dev.Iommu);
        if (param.Address.IsNull)
        {
            return;
        }

        var instance = await t.Load(param.IommuDev);
        if (!instance.Address.IsNull)
        {
            var group = await t.Load(dev.IommuGroup);
            await t.Machine.Ops[await t.Load(instance.Ops) - 1].ReleaseDevice(t, dev);
            await IommuGroupRemoveDevice(t, group, dev);
        }

        await DevIommuFree(t, dev);
    }

    /// <summary>The form since v6.6: one section of the group's mutex.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_release_device", Release = "v6.6")]
    private static async Flow IommuReleaseDevice66(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var group = await t.Load(dev.IommuGroup);
        if (!group.Address.IsNull)
        {
            var ops = await DevIommuOps(t, dev);
            await t.Lock(group.Mutex);
            await RemoveMember(t, group, dev);
            await IommuDeinitDevice(t, dev, group, ops);
            await t.Unlock(group.Mutex);
            await IommuGroupPut(t, group);
        }

        // A device that was parsed but never probed; nothing protects this.
        if (!(await t.Load(dev.Iommu)).Address.IsNull)
        {
            await DevIommuFree(t, dev);
        }
    }
}
