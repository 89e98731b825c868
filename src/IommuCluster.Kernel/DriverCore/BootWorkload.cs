using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Kernel.Userspace;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>The standard boot: the threads that a real machine has, generated from the board.</summary>
public static class BootWorkload
{
    /// <summary>Generates the boot of a plan.</summary>
    /// <param name="plan">Facts, era, and what the scenario fixes.</param>
    /// <returns>The stages of the boot.</returns>
    /// <exception cref="BootPlanException">The plan names a master or driver that the board does not have.</exception>
    public static Workload Create(BootPlan plan)
    {
        var machine = MachineBuilder.Build(plan);
        var stages = ImmutableArray.CreateBuilder<Stage>();
        stages.Add(new Stage("memory", [new ThreadStart("start_kernel", StartKernel)]));
        stages.Add(BesideHardware(machine, "initcalls", new ThreadStart("init", t => DoInitcalls(t, machine))));
        stages.Add(BesideHardware(machine, "late_initcall", new ThreadStart("init", DeferredProbeInitcall)));
        stages.Add(BesideHardware(machine, "late_initcall, second pass", new ThreadStart("init", DeferredProbeInitcallDone)));
        var timeout = new ThreadStart("kworker/timeout", DeferredProbeTimeoutWorkFunc);
        var isRacing = plan.DeferredTimeout == DeferredTimeout.Races;
        var modules = Modules(machine);
        if (!modules.IsEmpty)
        {
            stages.Add(BesideHardware(machine, "modules", isRacing ? modules.Add(timeout) : modules));
        }

        if (!plan.Users.IsEmpty)
        {
            stages.Add(BesideHardware(machine, "user", UserActions.Threads(machine)));
        }

        if (!isRacing || modules.IsEmpty)
        {
            stages.Add(BesideHardware(machine, "deferred_probe_timeout", timeout));
        }

        stages.Add(new Stage("at rest", [new ThreadStart("audit", Audit)]));
        return new Workload(plan.Board.Name, plan.Board.Architecture, stages.ToImmutable()) { Machine = machine };
    }

    /// <summary>A stage in which the hardware that the boot loader left running may still do so.</summary>
    private static Stage BesideHardware(Machine machine, string stage, params ImmutableArray<ThreadStart> threads) =>
        new(stage, [.. threads, .. machine.Devices.Where(device => device.IsLiveAtBoot).Select(device => DmaAgent.StartAtBoot(machine, Machine.DeviceAt(device.Number)))]);

    private static ImmutableArray<ThreadStart> Modules(Machine machine) =>
    [
        .. from number in Enumerable.Range(0, machine.Drivers.Length)
           let driver = machine.Drivers[number]
           where machine.PlanOf(driver).Load == DriverLoad.Module
           select new ThreadStart($"modprobe {driver.Name}", t => Module.Modprobe(t, number)),
    ];

    /// <summary>Makes the static objects, in the order on which their addresses rest.</summary>
    [KernelSource("init/main.c", "start_kernel")]
    private static async Flow StartKernel(KernelThread t)
    {
        using var frame = t.Call();
        var machine = t.Machine;
        var soc = await t.Allocate<Soc>(Home.Soc, tail: machine.Drivers.Length);
        foreach (var device in machine.Devices)
        {
            await t.Allocate<Device>(new Home(HomeKind.Device, device.Number));
        }

        foreach (var device in machine.Devices)
        {
            await t.Allocate<DmaEngine>(new Home(HomeKind.Device, device.Number));
        }

        foreach (var device in machine.Devices)
        {
            await t.Allocate<DmaStream>(new Home(HomeKind.Device, device.Number));
        }

        foreach (var ops in machine.Ops)
        {
            var identity = await t.Allocate<IommuDomain>(Home.Soc);
            await t.Store(identity.Type, DomainType.Identity);
            await t.Store(identity.Owner, ops.Reference);
        }

        foreach (var _ in machine.SharedModules)
        {
            await t.Allocate<Module>(Home.Soc);
        }

        foreach (var device in machine.Devices.Where(device => device.IsLiveAtBoot))
        {
            var engine = machine.EngineOf(device.Number);
            await t.Store(engine.Target, DmaAgent.BootBufferOf(device), Marking.Hardware);
            await t.Store(engine.Live, true, Marking.Hardware);
        }

        await Lists.Init(t, soc.IommuDeviceList);
        await Lists.Init(t, soc.BusDevices);
        await Lists.Init(t, soc.DeferredPending);
        await Lists.Init(t, soc.DeferredActive);
        foreach (var device in machine.Devices)
        {
            await Lists.Init(t, Machine.DeviceAt(device.Number).DeferredProbe);
        }

        // Since v6.1 the core listens from the start; before, from bus_set_iommu on.
        await t.Store(soc.BusNotifier, machine.Profile.BusWalk == BusWalk.EveryRegistration);
        await t.Store(soc.DeferredProbeTimeout, machine.Profile.DeferredProbeTimeoutSeconds);
    }

    /// <summary>Creates the firmware's devices and registers the built-in drivers, level by level.</summary>
    [KernelSource("init/main.c", "do_initcalls")]
    private static async Flow DoInitcalls(KernelThread t, Machine machine)
    {
        using var frame = t.Call();
        foreach (var device in machine.Devices.Where(device => device.Host < 0))
        {
            await Core.DeviceAdd(t, Machine.DeviceAt(device.Number));
        }

        foreach (var level in Enum.GetValues<InitcallLevel>())
        {
            for (var number = 0; number < machine.Drivers.Length; number++)
            {
                if (machine.Drivers[number].Level == level && machine.PlanOf(machine.Drivers[number]).Load == DriverLoad.BuiltIn)
                {
                    await Bus.BusAddDriver(t, number);
                }
            }
        }
    }

    /// <summary>Lets deferral begin; the worker's end is the flush that the kernel waits for.</summary>
    [KernelSource("drivers/base/dd.c", "deferred_probe_initcall")]
    private static async Flow DeferredProbeInitcall(KernelThread t)
    {
        using var frame = t.Call();
        await t.Store(Soc.Globals.DeferredProbeEnable, true);
        await DriverBinding.DriverDeferredProbeTrigger(t);
    }

    [KernelSource("drivers/base/dd.c", "deferred_probe_initcall")]
    private static async Flow DeferredProbeInitcallDone(KernelThread t)
    {
        using var frame = t.Call();
        await t.Store(Soc.Globals.InitcallsDone, true);
        await DriverBinding.DriverDeferredProbeTrigger(t);
    }

    /// <summary>The time-out: whoever still waits for an IOMMU then gives up waiting.</summary>
    [KernelSource("drivers/base/dd.c", "deferred_probe_timeout_work_func")]
    private static async Flow DeferredProbeTimeoutWorkFunc(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        var seconds = await t.Load(soc.DeferredProbeTimeout);
        if (seconds == 0 || await Lists.IsEmpty(t, soc.DeferredPending))
        {
            return;
        }

        if (t.Machine.Plan.DeferredTimeout == DeferredTimeout.AtRest)
        {
            await t.Sleep(TimeSpan.FromSeconds(seconds));
        }

        await FwDevlinkDriversDone(t);
        await t.Store(soc.DeferredProbeTimeout, 0);
        await DriverBinding.DriverDeferredProbeTrigger(t);
    }

    /// <summary>From now on a supplier that no driver has ever matched holds nobody back.</summary>
    [KernelSource("drivers/base/core.c", "fw_devlink_drivers_done", Release = "v6.6")]
    private static async Flow FwDevlinkDriversDone(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.DeviceLinksLock);
        await t.Store(soc.FwDevlinkDriversDone, true);
        await t.Unlock(soc.DeviceLinksLock);
    }

    /// <summary>Looks at the machine at rest: a device that is still deferred will be so for ever.</summary>
    private static async Flow Audit(KernelThread t)
    {
        using var frame = t.Call("audit");
        var soc = Soc.Globals;
        for (var at = await t.Load(soc.DeferredPending.Next); at != soc.DeferredPending.Address; at = await t.Load(new ListHead(at).Next))
        {
            var dev = Device.FromDeferredProbe(at);
            t.Report(FindingKind.StuckDeferred, "device", "deferred_probe", $"{t.Machine.FactsOf(dev).Name} stays on the deferred list for ever");
        }
    }
}

/// <summary>A plan that does not fit its board; the message says what and how to mend it.</summary>
/// <param name="message">For people.</param>
public sealed class BootPlanException(string message) : Exception(message);
