using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>Binding drivers to devices, and deferral (Linux: <c>drivers/base/dd.c</c>).</summary>
internal static class DriverBinding
{
    /// <summary>Offers a driver all devices of the bus.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>Completes when every matching device was tried or queued.</returns>
    [KernelSource("drivers/base/dd.c", "driver_attach")]
    internal static async Flow DriverAttach(KernelThread t, int driver)
    {
        using var frame = t.Call();
        await Bus.BusForEachDev(t, (thread, dev) => __DriverAttach(thread, dev, driver));
    }

    /// <summary>Offers a device all drivers of the bus (Linux: <c>device_initial_probe</c> and <c>__device_attach</c>).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it was tried.</returns>
    [KernelSource("drivers/base/dd.c", "__device_attach")]
    internal static async Flow DeviceAttach(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(dev.Mutex);
        var driver = t.Machine.FactsOf(dev).Driver;
        if (!await t.Load(dev.Dead)
            && await t.Load(dev.Driver) == 0
            && driver >= 0
            && await Bus.IsRegistered(t, driver))
        {
            await DriverProbeDevice(t, dev, driver);
        }

        await t.Unlock(dev.Mutex);
    }

    /// <summary>Unbinds a device from its driver.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when the driver is gone from it.</returns>
    [KernelSource("drivers/base/dd.c", "device_release_driver")]
    internal static async Flow DeviceReleaseDriver(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(dev.Mutex);
        var driver = await t.Load(dev.Driver);
        if (driver != 0)
        {
            await t.Machine.Drivers[driver - 1].Remove(t, dev);
            await Platform.PlatformDmaCleanup(t, dev, driver - 1);
            await Core.DeviceLinksNoDriver(t, dev);
            await DeviceUnbindCleanup(t, dev);
            await t.Store(dev.KnodeDriver, false, Marking.Atomic);
        }

        await t.Unlock(dev.Mutex);
    }

    /// <summary>Binds a driver to a device because a user says so (Linux: sysfs <c>bind</c>).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>0 or the error that the user gets.</returns>
    [KernelSource("drivers/base/dd.c", "device_driver_attach")]
    internal static async Flow<Errno> DeviceDriverAttach(KernelThread t, Device dev, int driver)
    {
        using var frame = t.Call();
        await t.Lock(dev.Mutex);
        var error = await __DriverProbeDevice(t, dev, driver);
        await t.Unlock(dev.Mutex);
        return error;
    }

    /// <summary>Retries the deferred devices in order, one worker at a time.</summary>
    /// <param name="t">The worker.</param>
    /// <returns>Completes when the active list is empty.</returns>
    [KernelSource("drivers/base/dd.c", "deferred_probe_work_func")]
    internal static async Flow DeferredProbeWorkFunc(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.DeferredProbeMutex);
        while (!await Lists.IsEmpty(t, soc.DeferredActive))
        {
            var dev = Device.FromDeferredProbe(await t.Load(soc.DeferredActive.Next));
            await Lists.DelInit(t, dev.DeferredProbe);
            await t.Unlock(soc.DeferredProbeMutex);
            await Bus.BusProbeDevice(t, dev);
            await t.Lock(soc.DeferredProbeMutex);
        }

        await t.Unlock(soc.DeferredProbeMutex);
    }

    /// <summary>Moves all deferred devices to the worker.</summary>
    /// <param name="t">The running thread.</param>
    /// <returns>Completes when the work is queued; does nothing before late_initcall.</returns>
    [KernelSource("drivers/base/dd.c", "driver_deferred_probe_trigger")]
    internal static async Flow DriverDeferredProbeTrigger(KernelThread t)
    {
        var soc = Soc.Globals;
        if (!await t.Load(soc.DeferredProbeEnable))
        {
            return;
        }

        using var frame = t.Call();
        await t.Lock(soc.DeferredProbeMutex);
        await t.AtomicAdd(soc.DeferredTriggerCount, 1, Marking.Once); // atomic_inc and atomic_read order nothing.
        while (!await Lists.IsEmpty(t, soc.DeferredPending))
        {
            // list_splice_tail_init; entry by entry, which nobody can tell under the mutex.
            var entry = new ListHead(await t.Load(soc.DeferredPending.Next));
            await Lists.DelInit(t, entry);
            await Lists.AddTail(t, entry, soc.DeferredActive);
        }

        await t.Unlock(soc.DeferredProbeMutex);
        await WorkQueue.QueueDeferredProbeWork(t);
    }

    /// <summary>Whether a device should go on waiting for a supplier that is not there.</summary>
    /// <param name="t">The running thread.</param>
    /// <returns>-EPROBE_DEFER, or -ETIMEDOUT once initcalls are done and no time-out is left to wait for.</returns>
    [KernelSource("drivers/base/dd.c", "driver_deferred_probe_check_state")]
    internal static async Flow<Errno> DriverDeferredProbeCheckState(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        return await t.Load(soc.DeferredProbeTimeout) == 0 && await t.Load(soc.InitcallsDone)
            ? Errno.ETimedOut
            : Errno.EProbeDefer;
    }

    [KernelSource("drivers/base/dd.c", "__driver_attach")]
    private static async Flow<Errno> __DriverAttach(KernelThread t, Device dev, int driver)
    {
        if (t.Machine.FactsOf(dev).Driver != driver)
        {
            return Errno.None;
        }

        using var frame = t.Call();
        if (t.Machine.PlanOf(t.Machine.Drivers[driver]).Probe == ProbeMode.Asynchronous)
        {
            await t.Lock(dev.Mutex);
            var queue = await t.Load(dev.Driver) == 0 && await t.Load(dev.AsyncDriver) == 0;
            if (queue)
            {
                await t.Store(dev.AsyncDriver, driver + 1);
            }

            await t.Unlock(dev.Mutex);
            if (queue)
            {
                await t.Spawn(new ThreadStart($"async {t.Machine.FactsOf(dev).Name}", thread => __DriverAttachAsyncHelper(thread, dev)));
            }

            return Errno.None;
        }

        await t.Lock(dev.Mutex);
        await DriverProbeDevice(t, dev, driver);
        await t.Unlock(dev.Mutex);
        return Errno.None;
    }

    [KernelSource("drivers/base/dd.c", "__driver_attach_async_helper")]
    private static async Flow __DriverAttachAsyncHelper(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await t.Lock(dev.Mutex);
        var driver = await t.Load(dev.AsyncDriver);
        await t.Store(dev.AsyncDriver, 0);
        await DriverProbeDevice(t, dev, driver - 1);
        await t.Unlock(dev.Mutex);
    }

    [KernelSource("drivers/base/dd.c", "driver_probe_device")]
    private static async Flow DriverProbeDevice(KernelThread t, Device dev, int driver)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        var triggers = await t.Load(soc.DeferredTriggerCount, Marking.Once);
        if (await __DriverProbeDevice(t, dev, driver) != Errno.EProbeDefer)
        {
            return;
        }

        await DriverDeferredProbeAdd(t, dev);

        // A trigger may have come while the device was probing; then nobody else would retry it.
        if (triggers != await t.Load(soc.DeferredTriggerCount, Marking.Once))
        {
            await DriverDeferredProbeTrigger(t);
        }
    }

    [KernelSource("drivers/base/dd.c", "__driver_probe_device")]
    private static async Flow<Errno> __DriverProbeDevice(KernelThread t, Device dev, int driver)
    {
        using var frame = t.Call();
        if (await t.Load(dev.Dead))
        {
            return Errno.ENoDev;
        }

        if (await t.Load(dev.Driver) != 0)
        {
            return Errno.EBusy;
        }

        await t.Store(dev.CanMatch, true);
        return await ReallyProbe(t, dev, driver);
    }

    [KernelSource("drivers/base/dd.c", "really_probe")]
    private static async Flow<Errno> ReallyProbe(KernelThread t, Device dev, int driver)
    {
        using var frame = t.Call();
        var error = await Core.DeviceLinksCheckSuppliers(t, dev);
        if (error != Errno.None)
        {
            return error;
        }

        await t.Store(dev.Driver, driver + 1);
        error = await Platform.PlatformDmaConfigure(t, dev, driver);
        if (error == Errno.None)
        {
            error = await t.Machine.Drivers[driver].Probe(t, dev);
            if (error == Errno.None)
            {
                await DriverBound(t, dev);
                return Errno.None;
            }

            await Platform.PlatformDmaCleanup(t, dev, driver);
        }

        await Core.DeviceLinksNoDriver(t, dev);
        await DeviceUnbindCleanup(t, dev);
        return error;
    }

    [KernelSource("drivers/base/dd.c", "driver_bound")]
    private static async Flow DriverBound(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await t.Store(dev.KnodeDriver, true, Marking.Atomic); // The driver's klist has a lock of its own.
        await Core.DeviceLinksDriverBound(t, dev);
        await DriverDeferredProbeDel(t, dev);
        await DriverDeferredProbeTrigger(t);
    }

    [KernelSource("drivers/base/dd.c", "device_unbind_cleanup")]
    private static async Flow DeviceUnbindCleanup(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        await Dma.ArchDma.ArchTeardownDmaOps(t, dev);
        await t.Store(dev.Driver, 0);
        await t.Store(dev.DriverData, Address.Null);
    }

    [KernelSource("drivers/base/dd.c", "driver_deferred_probe_add")]
    private static async Flow DriverDeferredProbeAdd(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        if (!await t.Load(dev.CanMatch))
        {
            return;
        }

        var soc = Soc.Globals;
        await t.Lock(soc.DeferredProbeMutex);
        if (await Lists.IsEmpty(t, dev.DeferredProbe))
        {
            await Lists.AddTail(t, dev.DeferredProbe, soc.DeferredPending);
        }

        await t.Unlock(soc.DeferredProbeMutex);
    }

    /// <summary>Takes a device off the lists of deferred devices.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it is on neither.</returns>
    [KernelSource("drivers/base/dd.c", "driver_deferred_probe_del")]
    internal static async Flow DriverDeferredProbeDel(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.DeferredProbeMutex);
        if (!await Lists.IsEmpty(t, dev.DeferredProbe))
        {
            await Lists.DelInit(t, dev.DeferredProbe);
        }

        await t.Unlock(soc.DeferredProbeMutex);
    }
}
