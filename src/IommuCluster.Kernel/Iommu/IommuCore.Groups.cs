using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Iommu;

/// <content>Groups: making, joining, leaving, references.</content>
internal static partial class IommuCore
{
    /// <summary>Makes a group with one reference for the caller.</summary>
    /// <param name="t">The running thread.</param>
    /// <returns>The group.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_alloc")]
    internal static async Flow<IommuGroup> IommuGroupAlloc(KernelThread t)
    {
        using var frame = t.Call();
        var group = await t.AllocateHome<IommuGroup>(HomeKind.Group);
        await Lists.Init(t, group.Devices);
        await Lists.Init(t, group.Entry);
        await t.Store(group.DevicesKobj, 1);
        return group;
    }

    /// <summary>The device's group with a reference, or NULL.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The group.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_get")]
    internal static async Flow<IommuGroup> IommuGroupGet(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var group = await t.Load(dev.IommuGroup);
        if (!group.Address.IsNull)
        {
            await t.RefcountInc(group.DevicesKobj);
        }

        return group;
    }

    /// <summary>Takes one more reference.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="group">The group.</param>
    /// <returns>The group.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_ref_get")]
    internal static async Flow<IommuGroup> IommuGroupRefGet(KernelThread t, IommuGroup group)
    {
        await t.RefcountInc(group.DevicesKobj);
        return group;
    }

    /// <summary>Drops a reference; the last one frees the group.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="group">The group.</param>
    /// <returns>Completes when the reference is gone.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_put")]
    internal static async Flow IommuGroupPut(KernelThread t, IommuGroup group)
    {
        using var frame = t.Call();
        if (await t.RefcountDecAndTest(group.DevicesKobj))
        {
            await FreeGroupDomains(t, group);
            await t.Free(group);
        }
    }

    /// <summary>A group of its own for each device (Linux: <c>generic_device_group</c>).</summary>
    /// <param name="t">The running thread.</param>
    /// <returns>The group with a reference.</returns>
    [KernelSource("drivers/iommu/iommu.c", "generic_device_group")]
    internal static Flow<IommuGroup> GenericDeviceGroup(KernelThread t) => IommuGroupAlloc(t);

    [KernelSource("drivers/iommu/iommu.c", "iommu_group_get_for_dev", Release = "v6.2")]
    private static async Flow<IommuGroup> IommuGroupGetForDev(KernelThread t, Device dev, IommuOps ops)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (!group.Address.IsNull)
        {
            return group;
        }

        group = await ops.DeviceGroup(t, dev);
        if (group.Address.IsError)
        {
            return group;
        }

        var error = await IommuGroupAddDevice(t, group, dev);
        if (error != Errno.None)
        {
            await IommuGroupPut(t, group);
            return new IommuGroup(Address.FromError(error));
        }

        return group;
    }

    /// <summary>The form up to v5.7, for drivers to call: it makes the default domain, too, and under no lock.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The group with a reference, or an error pointer; -EINVAL while the bus has no ops.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_get_for_dev", Release = "v4.15")]
    internal static async Flow<IommuGroup> IommuGroupGetForDev415(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var reference = await t.Load(Soc.Globals.BusIommuOps);
        var group = await IommuGroupGet(t, dev);
        if (!group.Address.IsNull)
        {
            return group;
        }

        if (reference == 0)
        {
            return new IommuGroup(Address.FromError(Errno.EInval));
        }

        var ops = t.Machine.Ops[reference - 1];
        group = await ops.DeviceGroup(t, dev);
        if (group.Address.IsError || t.WarnOn(group.Address.IsNull, "iommu_group_get_for_dev: device_group answers NULL"))
        {
            return group.Address.IsNull ? new IommuGroup(Address.FromError(Errno.EInval)) : group;
        }

        if ((await t.Load(group.DefaultDomain)).Address.IsNull)
        {
            var domain = await __IommuDomainAlloc(t, ops, DomainType.Dma);
            await t.Store(group.DefaultDomain, domain);
            if ((await t.Load(group.Domain)).Address.IsNull)
            {
                await t.Store(group.Domain, domain);
            }
        }

        var error = await IommuGroupAddDevice(t, group, dev);
        if (error != Errno.None)
        {
            await IommuGroupPut(t, group);
            return new IommuGroup(Address.FromError(error));
        }

        return group;
    }

    /// <summary>Makes a device a member of a group; it is attached to what the group is on.</summary>
    /// <param name="t">The running thread; takes the group's mutex and gives it back.</param>
    /// <param name="group">The group; the member takes a reference of its own.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0, or why the driver refused to attach; then the device is no member.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_add_device", Release = "v6.2")]
    internal static async Flow<Errno> IommuGroupAddDevice(KernelThread t, IommuGroup group, Device dev)
    {
        using var frame = t.Call();
        var member = await IommuGroupAllocDevice(t, dev);
        await t.RefcountInc(group.DevicesKobj);
        await t.Store(dev.IommuGroup, group);
        await t.Lock(group.Mutex);
        await Lists.AddTail(t, member.List, group.Devices);
        var domain = await t.Load(group.Domain);
        var error = domain.Address.IsNull ? Errno.None : await __IommuAttachDevice(t, domain, dev);
        await t.Unlock(group.Mutex);
        if (error != Errno.None)
        {
            await IommuGroupRemoveDevice(t, group, dev);
        }

        return error;
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_group_alloc_device")]
    private static async Flow<GroupDevice> IommuGroupAllocDevice(KernelThread t, Device dev)
    {
        var member = await t.Allocate<GroupDevice>(dev.Home);
        await t.Store(member.Dev, dev);
        return member;
    }

    /// <summary>Takes a device out of its group, and drops the member's reference.</summary>
    /// <param name="t">The running thread; takes the group's mutex and gives it back.</param>
    /// <param name="group">The group.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it is no member.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_remove_device")]
    internal static async Flow IommuGroupRemoveDevice(KernelThread t, IommuGroup group, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(group.Mutex);
        await RemoveMember(t, group, dev);
        await t.Unlock(group.Mutex);
        await t.Store(dev.IommuGroup, default);
        await IommuGroupPut(t, group);
    }

    [KernelSource("drivers/iommu/iommu.c", "__iommu_group_remove_device", Release = "v6.6")]
    private static async Flow RemoveMember(KernelThread t, IommuGroup group, Device dev)
    {
        t.AssertHeld(group.Mutex);
        using var frame = t.Call();
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            var member = GroupDevice.FromList(at);
            if ((await t.Load(member.Dev)).Address == dev.Address)
            {
                await Lists.DelInit(t, member.List);
                await t.Free(member);
                return;
            }
        }
    }

    private static async Flow FreeGroupDomains(KernelThread t, IommuGroup group)
    {
        var defaultDomain = await t.Load(group.DefaultDomain);
        if (!defaultDomain.Address.IsNull)
        {
            await IommuDomainFree(t, defaultDomain);
            await t.Store(group.DefaultDomain, default);
        }

        var blocking = await t.Load(group.BlockingDomain);
        if (!blocking.Address.IsNull)
        {
            await IommuDomainFree(t, blocking);
            await t.Store(group.BlockingDomain, default);
        }

        await t.Store(group.Domain, default);
    }
}
