using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

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
        stages.Add(Single("memory", "start_kernel", StartKernel));
        stages.Add(Single("initcalls", "init", t => DoInitcalls(t, machine)));
        stages.Add(Single("late_initcall", "init", DeferredProbeInitcall));
        stages.Add(Single("late_initcall, second pass", "init", DeferredProbeInitcallDone));
        var modules = Modules(machine);
        if (!modules.IsEmpty)
        {
            stages.Add(new Stage("modules", modules));
        }

        if (!plan.Rebind.IsEmpty)
        {
            stages.Add(new Stage("user", [.. plan.Rebind.Select(name => Rebind(machine, name))]));
        }

        stages.Add(Single("deferred_probe_timeout", "kworker/timeout", DeferredProbeTimeoutWorkFunc));
        stages.Add(Single("at rest", "audit", Audit));
        return new Workload(plan.Board.Name, plan.Board.Architecture, stages.ToImmutable()) { Machine = machine };
    }

    private static Stage Single(string stage, string thread, Func<KernelThread, ValueTask> body) =>
        new(stage, [new ThreadStart(thread, body)]);

    private static ImmutableArray<ThreadStart> Modules(Machine machine) =>
    [
        .. from number in Enumerable.Range(0, machine.Drivers.Length)
           let driver = machine.Drivers[number]
           where machine.PlanOf(driver).Load == DriverLoad.Module
           select new ThreadStart($"modprobe {driver.Name}", t => Bus.BusAddDriver(t, number)),
    ];

    private static ThreadStart Rebind(Machine machine, string name)
    {
        var facts = machine.Devices.FirstOrDefault(device => (device.Name == name || device.Node.Path == name) && device.Driver >= 0)
            ?? throw new BootPlanException($"no device here that has a driver is called '{name}', to be bound again; the masters are {string.Join(", ", machine.MasterNames())}");
        var dev = Machine.DeviceAt(facts.Number);
        return new ThreadStart($"user {facts.Name}", async t =>
        {
            await DriverBinding.DeviceReleaseDriver(t, dev);
            await DriverBinding.DeviceDriverAttach(t, dev, facts.Driver);
        });
    }

    /// <summary>Makes the static objects, in the order on which their addresses rest.</summary>
    [KernelSource("init/main.c", "start_kernel")]
    private static async ValueTask StartKernel(KernelThread t)
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
    private static async ValueTask DoInitcalls(KernelThread t, Machine machine)
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
    private static async ValueTask DeferredProbeInitcall(KernelThread t)
    {
        using var frame = t.Call();
        await t.Store(Soc.Globals.DeferredProbeEnable, true);
        await DriverBinding.DriverDeferredProbeTrigger(t);
    }

    [KernelSource("drivers/base/dd.c", "deferred_probe_initcall")]
    private static async ValueTask DeferredProbeInitcallDone(KernelThread t)
    {
        using var frame = t.Call();
        await t.Store(Soc.Globals.InitcallsDone, true);
        await DriverBinding.DriverDeferredProbeTrigger(t);
    }

    /// <summary>The time-out: whoever still waits for an IOMMU then gives up waiting.</summary>
    [KernelSource("drivers/base/dd.c", "deferred_probe_timeout_work_func")]
    private static async ValueTask DeferredProbeTimeoutWorkFunc(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        var seconds = await t.Load(soc.DeferredProbeTimeout);
        if (seconds == 0 || await Lists.IsEmpty(t, soc.DeferredPending))
        {
            return;
        }

        await t.Sleep(TimeSpan.FromSeconds(seconds));
        await t.Store(soc.DeferredProbeTimeout, 0);
        await DriverBinding.DriverDeferredProbeTrigger(t);
    }

    /// <summary>Looks at the machine at rest: a device that is still deferred will be so for ever.</summary>
    private static async ValueTask Audit(KernelThread t)
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
