using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Firmware;

/// <summary>From <c>iommus</c> to the fwspec (Linux: <c>drivers/iommu/of_iommu.c</c>).</summary>
internal static class OfIommu
{
    /// <summary>Parses a master's specifiers and has the core probe it.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The master.</param>
    /// <returns>0 when the device has an IOMMU; -ENODEV when it has none; -EPROBE_DEFER while one is awaited.</returns>
    internal static Flow<Errno> OfIommuConfigure(KernelThread t, Device dev) =>
        t.Machine.Profile.FwspecUnderProbeLock ? OfIommuConfigure67(t, dev) : OfIommuConfigureUnlocked(t, dev);

    /// <summary>The form up to v6.6: nothing protects the fwspec.</summary>
    [KernelSource("drivers/iommu/of_iommu.c", "of_iommu_configure", Release = "v6.6")]
    private static async Flow<Errno> OfIommuConfigureUnlocked(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        if (!fwspec.Address.IsNull)
        {
            if (await t.Load(fwspec.Ops) != 0)
            {
                return Errno.None;
            }

            // In the deferred case, start again from scratch.
            await IommuCore.IommuFwspecFree(t, dev);
        }

        var error = await OfIommuConfigureDevice(t, dev);
        if (error == Errno.None)
        {
            // The fwspec pointer has changed since; of_xlate may also have moved it.
            fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
            await t.Load(fwspec.Ops);
            if (t.Machine.Profile.ReplayAlways || (await t.Load(dev.IommuGroup)).Address.IsNull)
            {
                error = await IommuCore.IommuProbeDevice(t, dev);
            }
        }

        return error;
    }

    /// <summary>The form since a2e7e59a9426: the probe lock covers the fwspec, and is dropped before the replay.</summary>
    [KernelSource("drivers/iommu/of_iommu.c", "of_iommu_configure", Release = "v6.8")]
    private static async Flow<Errno> OfIommuConfigure67(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.IommuProbeDeviceLock);
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        if (!fwspec.Address.IsNull)
        {
            if (await t.Load(fwspec.Ops) != 0)
            {
                await t.Unlock(soc.IommuProbeDeviceLock);
                return Errno.None;
            }

            await IommuCore.IommuFwspecFree(t, dev);
        }

        var error = await OfIommuConfigureDevice(t, dev);
        await t.Unlock(soc.IommuProbeDeviceLock);
        return error == Errno.None ? await IommuCore.IommuProbeDevice(t, dev) : error;
    }

    [KernelSource("drivers/iommu/of_iommu.c", "of_iommu_configure_device")]
    private static async Flow<Errno> OfIommuConfigureDevice(KernelThread t, Device dev)
    {
        var specifiers = t.Machine.FactsOf(dev).Iommus;
        if (specifiers.IsEmpty)
        {
            return Errno.ENoDev;
        }

        using var frame = t.Call();
        foreach (var (iommu, cells) in specifiers)
        {
            var error = await OfIommuXlate(t, dev, iommu, cells);
            if (error != Errno.None)
            {
                return error;
            }
        }

        return Errno.None;
    }

    [KernelSource("drivers/iommu/of_iommu.c", "of_iommu_xlate")]
    private static async Flow<Errno> OfIommuXlate(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells)
    {
        using var frame = t.Call();
        if (iommu < 0 || !t.Machine.Devices[iommu].Node.Enabled)
        {
            return Errno.ENoDev;
        }

        var ops = await IommuCore.IommuOpsFromFwnode(t, iommu);
        if (ops != 0 && !t.Machine.Ops[ops - 1].HasOfXlate)
        {
            return Errno.ENoDev;
        }

        var profile = t.Machine.Profile;
        if (ops == 0 && profile.IommuDeferral == IommuDeferral.BuiltInTable && !await OfIommuDriverPresent(t, iommu))
        {
            return Errno.ENoDev;
        }

        var error = await IommuCore.IommuFwspecInit(t, dev, iommu, ops);
        if (error != Errno.None)
        {
            return error;
        }

        // The fwspec without ops says which IOMMU the device waits for.
        return ops != 0 ? await t.Machine.Ops[ops - 1].OfXlate(t, dev, iommu, cells)
            : profile.IommuDeferral == IommuDeferral.BuiltInTable ? Errno.EProbeDefer
            : await DriverBinding.DriverDeferredProbeCheckState(t);
    }

    /// <summary>Whether a built-in driver may still come for an IOMMU's node: once the system runs, none will.</summary>
    [KernelSource("drivers/iommu/of_iommu.c", "of_iommu_driver_present", Release = "v4.15")]
    private static async Flow<bool> OfIommuDriverPresent(KernelThread t, int iommu)
    {
        var driver = t.Machine.Devices[iommu].Driver;
        return !await t.Load(Soc.Globals.InitcallsDone)
            && driver >= 0
            && t.Machine.PlanOf(t.Machine.Drivers[driver]).Load == DriverLoad.BuiltIn;
    }
}
