using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Iommu;

/// <content>What a user writes under <c>/sys/kernel/iommu_groups</c>.</content>
internal static partial class IommuCore
{
    /// <summary>Changes the type of a group's default domain (since v5.11).</summary>
    /// <param name="t">The user's thread.</param>
    /// <param name="dev">A device of the group.</param>
    /// <param name="type">What the default domain is to be.</param>
    /// <returns>
    /// 0; -ENOENT without group, or before v5.11; -EPERM (v6.4) or -EBUSY (before) while drivers are bound or a user owns the group;
    /// -EINVAL before v6.4 for a group of several; -ENODEV when the driver has no such domain.
    /// </returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_store_type")]
    internal static async Flow<Errno> IommuGroupStoreType(KernelThread t, Device dev, DomainType type)
    {
        var group = await t.Load(dev.IommuGroup);
        return group.Address.IsNull || !t.Machine.Profile.Release.IsSince(5, 11) ? Errno.ENoEnt
            : t.Machine.Profile.Release.IsSince(6, 4) ? await IommuGroupStoreType64(t, group, type)
            : await IommuGroupStoreType511(t, group, type);
    }

    /// <summary>The form since v6.4: the group's mutex is enough, because owners are counted under it.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_store_type", Release = "v6.6")]
    private static async Flow<Errno> IommuGroupStoreType64(KernelThread t, IommuGroup group, DomainType type)
    {
        using var frame = t.Call();
        await t.Lock(group.Mutex);
        var error = await Lists.IsEmpty(t, group.Devices) || await t.Load(group.OwnerCount) != 0
            ? Errno.EPerm
            : await IommuSetupDefaultDomain(t, group, type);
        if (error == Errno.None && t.Machine.Profile.DmaOpsSetter == DmaOpsSetter.Core)
        {
            await SetupDmaOpsOfMembers(t, group);
        }

        await t.Unlock(group.Mutex);
        if (error == Errno.None && t.Machine.Profile.DmaOpsSetter == DmaOpsSetter.Architecture)
        {
            await IommuGroupDoProbeFinalize(t, group); // Without the mutex (until v6.9).
        }

        return error;
    }

    /// <summary>The form of v5.11 to v6.3: the device's own mutex keeps drivers away.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_change_dev_def_domain", Release = "v6.2")]
    private static async Flow<Errno> IommuGroupStoreType511(KernelThread t, IommuGroup group, DomainType type)
    {
        using var frame = t.Call();
        await t.Lock(group.Mutex);
        var isSingle = await IommuGroupDeviceCount(t, group) == 1;
        var dev = isSingle ? await t.Load(GroupDevice.FromList(await t.Load(group.Devices.Next)).Dev) : default;
        await t.Unlock(group.Mutex);
        if (!isSingle)
        {
            return Errno.EInval;
        }

        await t.Lock(dev.Mutex);
        var error = await t.Load(dev.Driver) != 0 ? Errno.EBusy : await ChangeDefaultDomain(t, group, dev, type);
        if (error == Errno.None)
        {
            await ProbeFinalize(t, dev);
        }

        await t.Unlock(dev.Mutex);
        return error;
    }

    private static async Flow<Errno> ChangeDefaultDomain(KernelThread t, IommuGroup group, Device dev, DomainType type)
    {
        await t.Lock(group.Mutex);
        var old = await t.Load(group.DefaultDomain);
        var error = old.Address.IsNull || (await t.Load(group.Domain)).Address != old.Address || await IommuGroupDeviceCount(t, group) != 1
            ? Errno.EBusy
            : Errno.None;
        if (error == Errno.None && await t.Load(old.Type) != type)
        {
            var ops = await DevIommuOps(t, dev);
            var domain = await __IommuDomainAlloc(t, ops, type);
            error = domain.Address.IsNull ? Errno.ENoDev : Errno.None;
            if (error == Errno.None)
            {
                await t.Store(group.DefaultDomain, domain);
                await IommuGroupCreateDirectMappings(t, group, domain);
                error = await __IommuGroupSetDomain(t, group, domain);
                await IommuDomainFree(t, error == Errno.None ? old : domain);
                if (error != Errno.None)
                {
                    await t.Store(group.DefaultDomain, old);
                }
            }
        }

        await t.Unlock(group.Mutex);
        return error;
    }

    /// <summary>Sets the DMA ops of all members under the group's mutex (v6.10).</summary>
    private static async Flow SetupDmaOpsOfMembers(KernelThread t, IommuGroup group)
    {
        t.AssertHeld(group.Mutex);
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            await Dma.DmaIommu.IommuSetupDmaOps(t, await t.Load(GroupDevice.FromList(at).Dev));
        }
    }
}
