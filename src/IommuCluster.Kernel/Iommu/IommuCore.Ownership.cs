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
    internal static async Flow<Errno> IommuDeviceUseDefaultDomain(KernelThread t, Device dev)
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
    internal static async Flow IommuDeviceUnuseDefaultDomain(KernelThread t, Device dev)
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

    /// <summary>Takes a group's DMA away from the kernel, for a user (VFIO, iommufd).</summary>
    /// <param name="t">The running thread; takes the group's mutex and gives it back.</param>
    /// <param name="dev">A device of the group.</param>
    /// <param name="owner">Who asks; not 0.</param>
    /// <returns>0; -ENODEV without group; -EPERM when a kernel driver or another user has it; -EBUSY when a foreign domain is attached.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_device_claim_dma_owner", Release = "v6.2")]
    internal static async Flow<Errno> IommuDeviceClaimDmaOwner(KernelThread t, Device dev, ulong owner)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (group.Address.IsNull)
        {
            return Errno.ENoDev;
        }

        var result = Errno.None;
        await t.Lock(group.Mutex);
        var count = await t.Load(group.OwnerCount);
        if (count == 0)
        {
            result = await __IommuTakeDmaOwnership(t, group, owner);
        }
        else if (await t.Load(group.Owner) != owner)
        {
            result = Errno.EPerm;
        }
        else
        {
            await t.Store(group.OwnerCount, count + 1);
        }

        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
        return result;
    }

    /// <summary>Gives back what <see cref="IommuDeviceClaimDmaOwner"/> took.</summary>
    /// <param name="t">The running thread; takes the group's mutex and gives it back.</param>
    /// <param name="dev">A device of the group.</param>
    /// <returns>Completes when the group has one claim less; after the last it is on its default domain again.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_device_release_dma_owner", Release = "v6.2")]
    internal static async Flow IommuDeviceReleaseDmaOwner(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var group = await IommuGroupGet(t, dev);
        if (group.Address.IsNull)
        {
            return;
        }

        await t.Lock(group.Mutex);
        var count = await t.Load(group.OwnerCount);
        if (count > 1)
        {
            await t.Store(group.OwnerCount, count - 1);
        }
        else if (!t.WarnOn(count == 0 || await t.Load(group.Owner) == 0, "__iommu_release_dma_ownership: nobody owns the group"))
        {
            await t.Store(group.OwnerCount, 0);
            await t.Store(group.Owner, 0UL);
            await IommuGroupSetCoreDomain(t, group);
        }

        await t.Unlock(group.Mutex);
        await IommuGroupPut(t, group);
    }

    [KernelSource("drivers/iommu/iommu.c", "__iommu_take_dma_ownership")]
    private static async Flow<Errno> __IommuTakeDmaOwnership(KernelThread t, IommuGroup group, ulong owner)
    {
        t.AssertHeld(group.Mutex);
        using var frame = t.Call();
        var domain = await t.Load(group.Domain);
        if (!domain.Address.IsNull && domain.Address != (await t.Load(group.DefaultDomain)).Address)
        {
            return Errno.EBusy;
        }

        var error = await __IommuGroupAllocBlockingDomain(t, group);
        error = error == Errno.None ? await __IommuGroupSetDomain(t, group, await t.Load(group.BlockingDomain)) : error;
        if (error == Errno.None)
        {
            await t.Store(group.Owner, owner);
            await t.Store(group.OwnerCount, await t.Load(group.OwnerCount) + 1);
        }

        return error;
    }

    /// <summary>A domain in which nothing is mapped; an empty unmanaged one where the driver has no blocking one.</summary>
    [KernelSource("drivers/iommu/iommu.c", "__iommu_group_alloc_blocking_domain")]
    private static async Flow<Errno> __IommuGroupAllocBlockingDomain(KernelThread t, IommuGroup group)
    {
        using var frame = t.Call();
        if (!(await t.Load(group.BlockingDomain)).Address.IsNull)
        {
            return Errno.None;
        }

        var first = GroupDevice.FromList(await t.Load(group.Devices.Next));
        var ops = await DevIommuOps(t, await t.Load(first.Dev));
        var domain = await __IommuDomainAlloc(t, ops, DomainType.Blocked);
        if (domain.Address.IsNull)
        {
            domain = await __IommuDomainAlloc(t, ops, DomainType.Unmanaged);
        }

        if (domain.Address.IsNull)
        {
            return Errno.EInval;
        }

        await t.Store(group.BlockingDomain, domain);
        return Errno.None;
    }

    [KernelSource("drivers/iommu/iommu.c", "iommu_is_default_domain")]
    private static async Flow<bool> IommuIsDefaultDomain(KernelThread t, IommuGroup group)
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
