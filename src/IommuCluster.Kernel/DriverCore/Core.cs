using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>Devices coming and their links (Linux: <c>drivers/base/core.c</c>).</summary>
internal static class Core
{
    /// <summary>Adds a device to the system.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device; its words are zero.</param>
    /// <returns>Completes when the device was offered to the IOMMU core and to drivers.</returns>
    [KernelSource("drivers/base/core.c", "device_add")]
    internal static async Flow DeviceAdd(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await Bus.BusAddDevice(t, dev);
        await BusNotify(t, dev, isRemoved: false);
        await Bus.BusProbeDevice(t, dev);
    }

    /// <summary>Adds a PCI function that is not to be matched yet: its bus is still being scanned.</summary>
    /// <param name="t">The running thread; holds the mutex of the host bridge.</param>
    /// <param name="dev">The function; its words are zero.</param>
    /// <returns>Completes when the function was offered to the IOMMU core, but not to drivers.</returns>
    [KernelSource("drivers/pci/probe.c", "pci_device_add")]
    internal static async Flow PciDeviceAdd(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await Bus.BusAddDevice(t, dev);
        await BusNotify(t, dev, isRemoved: false);
    }

    /// <summary>Takes a device out of the system.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device; a second removal does nothing.</param>
    /// <returns>Completes when its driver and the IOMMU core have let it go.</returns>
    [KernelSource("drivers/base/core.c", "device_del")]
    internal static async Flow DeviceDel(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(dev.Mutex);
        var killed = !await t.Load(dev.Dead);
        await t.Store(dev.Dead, true);
        await t.Unlock(dev.Mutex);
        if (!killed)
        {
            return;
        }

        await Bus.BusRemoveDevice(t, dev);
        await DriverBinding.DriverDeferredProbeDel(t, dev);
        await BusNotify(t, dev, isRemoved: true);
    }

    /// <summary>Finds a removed device again, as a scan of its bus does; the model has it at the same place in memory.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device; one that is there is left alone.</param>
    /// <returns>Completes when the device was offered to the IOMMU core and to drivers.</returns>
    [KernelSource("drivers/pci/probe.c", "pci_scan_single_device")]
    internal static async Flow DeviceAddAgain(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(dev.Mutex);
        var isGone = await t.Load(dev.Dead);
        if (isGone)
        {
            await t.Store(dev.CanMatch, false);
            await t.Store(dev.Dead, false);
        }

        await t.Unlock(dev.Mutex);
        if (isGone)
        {
            await DeviceAdd(t, dev);
        }
    }

    /// <summary>Checks that all suppliers that hold the device back are bound.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device about to be probed.</param>
    /// <returns>0 or -EPROBE_DEFER.</returns>
    [KernelSource("drivers/base/core.c", "device_links_check_suppliers")]
    internal static async Flow<Errno> DeviceLinksCheckSuppliers(KernelThread t, Device dev)
    {
        var suppliers = t.Machine.FactsOf(dev).Suppliers;
        if (suppliers.IsEmpty)
        {
            return Errno.None;
        }

        using var frame = t.Call();
        var soc = Soc.Globals;
        var result = Errno.None;
        await t.Lock(soc.DeviceLinksLock);
        foreach (var number in suppliers)
        {
            var supplier = Machine.DeviceAt(number);
            if (await t.Load(supplier.LinkStatus) != LinkStatus.DriverPresent && !await IsRelaxed(t, supplier))
            {
                result = Errno.EProbeDefer;
                break;
            }
        }

        await t.Unlock(soc.DeviceLinksLock);
        return result;
    }

    /// <summary>Whether the links to a supplier were given up: no driver has ever matched it, and the time-out has passed.</summary>
    [KernelSource("drivers/base/core.c", "fw_devlink_no_driver", Release = "v6.6")]
    private static async Flow<bool> IsRelaxed(KernelThread t, Device supplier) =>
        await t.Load(Soc.Globals.FwDevlinkDriversDone) && !await t.Load(supplier.CanMatch);

    /// <summary>Lets the consumers of a device probe.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device that was bound.</param>
    /// <returns>Completes when its links say so.</returns>
    [KernelSource("drivers/base/core.c", "device_links_driver_bound")]
    internal static Flow DeviceLinksDriverBound(KernelThread t, Device dev) => SetLinkStatus(t, dev, LinkStatus.DriverPresent);

    /// <summary>Notes that a device has no driver.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device whose probe failed or whose driver went.</param>
    /// <returns>Completes when its links say so.</returns>
    [KernelSource("drivers/base/core.c", "device_links_no_driver")]
    internal static Flow DeviceLinksNoDriver(KernelThread t, Device dev) => SetLinkStatus(t, dev, LinkStatus.NoDriver);

    private static async Flow SetLinkStatus(KernelThread t, Device dev, LinkStatus status)
    {
        var soc = Soc.Globals;
        await t.Lock(soc.DeviceLinksLock);
        await t.Store(dev.LinkStatus, status);
        await t.Unlock(soc.DeviceLinksLock);
    }

    [KernelSource("drivers/base/bus.c", "bus_notify")]
    private static async Flow BusNotify(KernelThread t, Device dev, bool isRemoved)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.DownRead(soc.BusNotifierRwsem);
        if (await t.Load(soc.BusNotifier))
        {
            await IommuCore.IommuBusNotifier(t, dev, isRemoved);
        }

        await t.UpRead(soc.BusNotifierRwsem);
    }
}
