using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Iommu;

/// <content>Who may do DMA through a group (v5.19 and later).</content>
internal static partial class IommuCore
{
    /// <summary>Counts in one more driver that does DMA through the kernel, as it binds.</summary>
    /// <param name="t">The running thread; takes the group's mutex and gives it back.</param>
    /// <param name="dev">The device about to be bound; it may have no group.</param>
    /// <returns>0; -EBUSY when another owner has the group's DMA; -EPROBE_DEFER (v6.15) while there is no default domain.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_device_use_default_domain", Release = "v5.19")]
    internal static async ValueTask<Errno> IommuDeviceUseDefaultDomain(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (group.Address.IsNull)
        {
            return Errno.None;
        }

        var result = Errno.None;
        await t.Lock(group.Mutex);
        if (t.Machine.Profile.BindWaitsForDefaultDomain && (await t.Load(group.DefaultDomain)).Address.IsNull)
        {
            result = Errno.EProbeDefer;
        }
        else if (await t.Load(group.OwnerCount) > 0
            && (await t.Load(group.Owner) != 0 || !await IommuIsDefaultDomain(t, group)))
        {
            result = Errno.EBusy;
        }
        else
        {
            await t.Store(group.OwnerCount, await t.Load(group.OwnerCount) + 1);
        }

        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
        return result;
    }

    /// <summary>Counts a driver out again, as it unbinds or its probe fails.</summary>
    /// <param name="t">The running thread; takes the group's mutex and gives it back.</param>
    /// <param name="dev">The device; it may have no group.</param>
    /// <returns>Completes when the group has one user less.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_device_unuse_default_domain", Release = "v5.19")]
    internal static async ValueTask IommuDeviceUnuseDefaultDomain(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (group.Address.IsNull)
        {
            return;
        }

        await t.Lock(group.Mutex);
        if (!t.WarnOn(await t.Load(group.OwnerCount) == 0, "iommu_device_unuse_default_domain: no user"))
        {
            await t.Store(group.OwnerCount, await t.Load(group.OwnerCount) - 1);
        }

        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_is_default_domain")]
    private static async ValueTask<bool> IommuIsDefaultDomain(KernelThread t, IommuGroup group)
    {
        var domain = await t.Load(group.Domain);
        var defaultDomain = await t.Load(group.DefaultDomain);
        return domain.Address == defaultDomain.Address
            || (t.Machine.Profile.IdentityEqualsIdentity
                && !domain.Address.IsNull
                && !defaultDomain.Address.IsNull
                && await t.Load(domain.Type) == DomainType.Identity
                && await t.Load(defaultDomain.Type) == DomainType.Identity);
    }
}
