using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>The platform bus: its lists of devices and drivers (Linux: <c>drivers/base/bus.c</c>, <c>lib/klist.c</c>).</summary>
internal static class Bus
{
    /// <summary>Makes a device visible on its bus.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when others can find it.</returns>
    [KernelSource("drivers/base/bus.c", "bus_add_device")]
    internal static async Flow BusAddDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.BusKlistDevicesLock);
        await Lists.AddTail(t, dev.KnodeBus, soc.BusDevices);
        await t.Unlock(soc.BusKlistDevicesLock);
    }

    /// <summary>Takes a device off its bus and its driver off the device.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when others cannot find it.</returns>
    /// <remarks>A walk that stands on the device goes on from there, as a klist's does, because the entry keeps its neighbours.</remarks>
    [KernelSource("drivers/base/bus.c", "bus_remove_device")]
    internal static async Flow BusRemoveDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.BusKlistDevicesLock);
        await Lists.Del(t, dev.KnodeBus);
        await t.Unlock(soc.BusKlistDevicesLock);
        await DriverBinding.DeviceReleaseDriver(t, dev);
    }

    /// <summary>Calls a function for each device of the bus, without a lock around the call.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="fn">The function; anything but 0 ends the walk.</param>
    /// <returns>The function's last answer.</returns>
    /// <remarks>Devices are never freed here, so the node references of the kernel's klist are left out.</remarks>
    [KernelSource("drivers/base/bus.c", "bus_for_each_dev")]
    internal static async Flow<Errno> BusForEachDev(KernelThread t, Func<KernelThread, Device, Flow<Errno>> fn)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        var at = soc.BusDevices.Address;
        while (true)
        {
            await t.Lock(soc.BusKlistDevicesLock);
            at = await t.Load(new ListHead(at).Next);
            await t.Unlock(soc.BusKlistDevicesLock);
            if (at == soc.BusDevices.Address)
            {
                return Errno.None;
            }

            var error = await fn(t, Device.FromKnodeBus(at));
            if (error != Errno.None)
            {
                return error;
            }
        }
    }

    /// <summary>Adds a driver to its bus and offers it all devices.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>Completes when every matching device was tried, or queued for an asynchronous try.</returns>
    [KernelSource("drivers/base/bus.c", "bus_add_driver")]
    internal static async Flow BusAddDriver(KernelThread t, int driver)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.BusKlistDriversLock);
        await t.Store(soc.BusDriver(driver), true);
        await t.Unlock(soc.BusKlistDriversLock);
        await DriverBinding.DriverAttach(t, driver);
    }

    /// <summary>Probes a device with whatever driver is there.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it was tried.</returns>
    [KernelSource("drivers/base/bus.c", "bus_probe_device")]
    internal static async Flow BusProbeDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await DriverBinding.DeviceAttach(t, dev);
    }

    /// <summary>Tells whether a driver is on the bus's list now.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>True when it is.</returns>
    internal static async Flow<bool> IsRegistered(KernelThread t, int driver)
    {
        var soc = Soc.Globals;
        await t.Lock(soc.BusKlistDriversLock);
        var registered = await t.Load(soc.BusDriver(driver));
        await t.Unlock(soc.BusKlistDriversLock);
        return registered;
    }
}
