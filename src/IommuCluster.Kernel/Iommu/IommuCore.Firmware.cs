using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Iommu;

/// <content>The fwspec and <c>dev->iommu</c>: who makes them, who frees them (Linux: <c>drivers/iommu/iommu.c</c>).</content>
internal static partial class IommuCore
{
    /// <summary>Reads the device's fwspec.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The fwspec, or NULL.</returns>
    [KernelSource("include/linux/iommu.h", "dev_iommu_fwspec_get")]
    internal static async Flow<IommuFwspec> DevIommuFwspecGet(KernelThread t, Device dev)
    {
        if (t.Machine.Profile.FwspecInDevice)
        {
            return await t.Load(dev.IommuFwspec);
        }

        if ((await t.Load(dev.Iommu)).Address.IsNull)
        {
            return default;
        }

        return await t.Load((await t.Load(dev.Iommu)).Fwspec); // The kernel, too, reads dev->iommu twice.
    }

    /// <summary>Makes the device's fwspec, or checks that the one there is for the same driver.</summary>
    /// <param name="t">The running thread; from v6.7 on it holds the probe lock.</param>
    /// <param name="dev">The device.</param>
    /// <param name="iommu">Number of the IOMMU's device.</param>
    /// <param name="ops">The IOMMU's ops, or 0 while they are awaited.</param>
    /// <returns>0, -ENOMEM, or -EINVAL when the fwspec there is another driver's.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_fwspec_init")]
    internal static async Flow<Errno> IommuFwspecInit(KernelThread t, Device dev, int iommu, int ops)
    {
        using var frame = t.Call();
        var fwspec = await DevIommuFwspecGet(t, dev);
        if (!fwspec.Address.IsNull)
        {
            return await t.Load(fwspec.Ops) == ops ? Errno.None : Errno.EInval;
        }

        if (!t.Machine.Profile.FwspecInDevice)
        {
            await DevIommuGet(t, dev);
        }

        fwspec = await t.Allocate<IommuFwspec>(dev.Home);
        await t.Store(fwspec.IommuFwnode, iommu + 1);
        await t.Store(fwspec.Ops, ops);
        await DevIommuFwspecSet(t, dev, fwspec);
        return Errno.None;
    }

    /// <summary>Frees the device's fwspec, if there is one.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it is gone.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_fwspec_free")]
    internal static async Flow IommuFwspecFree(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var fwspec = await DevIommuFwspecGet(t, dev);
        if (!fwspec.Address.IsNull)
        {
            await t.Free(fwspec);
            await DevIommuFwspecSet(t, dev, default);
        }
    }

    /// <summary>Adds an id; the array grows by moving the whole fwspec, so that pointers to it go stale.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="id">The id in the driver's encoding.</param>
    /// <returns>0, or -EINVAL when there is no fwspec.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_fwspec_add_ids")]
    internal static async Flow<Errno> IommuFwspecAddIds(KernelThread t, Device dev, uint id)
    {
        using var frame = t.Call();
        var fwspec = await DevIommuFwspecGet(t, dev);
        if (fwspec.Address.IsNull)
        {
            return Errno.EInval;
        }

        // krealloc: one id has room in the first allocation's slab, more move the struct.
        var count = await t.Load(fwspec.NumIds);
        var moved = await t.Allocate<IommuFwspec>(dev.Home, tail: count + 1);
        await t.Store(moved.Ops, await t.Load(fwspec.Ops));
        await t.Store(moved.IommuFwnode, await t.Load(fwspec.IommuFwnode));
        if (t.Machine.Profile.FwspecInDevice)
        {
            await t.Store(moved.Priv, await t.Load(fwspec.Priv));
        }

        for (var i = 0; i < count; i++)
        {
            await t.Store(moved.Id(i), await t.Load(fwspec.Id(i)));
        }

        await t.Free(fwspec);
        await DevIommuFwspecSet(t, dev, moved);
        await t.Store(moved.Id(count), id);
        await t.Store(moved.NumIds, count + 1);
        return Errno.None;
    }

    /// <summary>The device's <c>dev->iommu</c>, made if it is missing.</summary>
    /// <param name="t">The running thread; from v6.8 on it must hold the probe lock.</param>
    /// <param name="dev">The device.</param>
    /// <returns>What the core keeps about the device.</returns>
    [KernelSource("drivers/iommu/iommu.c", "dev_iommu_get")]
    internal static async Flow<DevIommu> DevIommuGet(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        if (t.Machine.Profile.AssertsProbeLock)
        {
            t.AssertHeld(Soc.Globals.IommuProbeDeviceLock);
        }

        var param = await t.Load(dev.Iommu);
        if (param.Address.IsNull)
        {
            param = await t.Allocate<DevIommu>(dev.Home);
            await t.Store(dev.Iommu, param);
        }

        return param;
    }

    /// <summary>Frees <c>dev->iommu</c> with the fwspec in it, whoever made that.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when both are gone.</returns>
    [KernelSource("drivers/iommu/iommu.c", "dev_iommu_free")]
    internal static async Flow DevIommuFree(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var param = await t.Load(dev.Iommu);
        await t.Store(dev.Iommu, default);
        var fwspec = await t.Load(param.Fwspec);
        if (!fwspec.Address.IsNull)
        {
            await t.Free(fwspec);
        }

        await t.Free(param);
    }

    /// <summary>The IOMMU driver's data about a device.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The data, or NULL.</returns>
    [KernelSource("include/linux/iommu.h", "dev_iommu_priv_get")]
    internal static async Flow<Address> DevIommuPrivGet(KernelThread t, Device dev)
    {
        if (t.Machine.Profile.FwspecInDevice)
        {
            var fwspec = await t.Load(dev.IommuFwspec);
            return fwspec.Address.IsNull ? Address.Null : await t.Load(fwspec.Priv);
        }

        if ((await t.Load(dev.Iommu)).Address.IsNull)
        {
            return Address.Null;
        }

        return await t.Load((await t.Load(dev.Iommu)).Priv);
    }

    /// <summary>Sets the IOMMU driver's data about a device.</summary>
    /// <param name="t">The running thread; from v6.8 on it must hold the probe lock.</param>
    /// <param name="dev">The device.</param>
    /// <param name="priv">The data.</param>
    /// <returns>Completes when it is stored.</returns>
    [KernelSource("drivers/iommu/iommu.c", "dev_iommu_priv_set")]
    internal static async Flow DevIommuPrivSet(KernelThread t, Device dev, Address priv)
    {
        using var frame = t.Call();
        if (t.Machine.Profile.AssertsProbeLock)
        {
            t.AssertHeld(Soc.Globals.IommuProbeDeviceLock);
        }

        if (t.Machine.Profile.FwspecInDevice)
        {
            await t.Store((await t.Load(dev.IommuFwspec)).Priv, priv);
            return;
        }

        await t.Store((await t.Load(dev.Iommu)).Priv, priv);
    }

    /// <summary>Reads <c>dev->iommu</c> anew, wherever it points by now.</summary>
    [KernelSource("include/linux/iommu.h", "dev_iommu_fwspec_set")]
    private static async Flow DevIommuFwspecSet(KernelThread t, Device dev, IommuFwspec fwspec)
    {
        if (t.Machine.Profile.FwspecInDevice)
        {
            await t.Store(dev.IommuFwspec, fwspec);
            return;
        }

        await t.Store((await t.Load(dev.Iommu)).Fwspec, fwspec);
    }

    /// <summary>The ops of the instance that is registered for a firmware node.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="iommu">Number of the IOMMU's device, or -1 for instances registered without a node.</param>
    /// <returns>Number of the ops plus one, or 0.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_ops_from_fwnode")]
    internal static async Flow<int> IommuOpsFromFwnode(KernelThread t, int iommu)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        var ops = 0;
        await t.Lock(soc.IommuDeviceLock);
        for (var at = await t.Load(soc.IommuDeviceList.Next); at != soc.IommuDeviceList.Address; at = await t.Load(new ListHead(at).Next))
        {
            var instance = IommuDevice.FromList(at);
            if (await t.Load(instance.Fwnode) == iommu + 1)
            {
                ops = await t.Load(instance.Ops);
                break;
            }
        }

        await t.Unlock(soc.IommuDeviceLock);
        return ops;
    }
}
