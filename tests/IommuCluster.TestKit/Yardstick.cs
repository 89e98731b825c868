using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>
/// The four yardstick programs: the fwspec race reduced to one shared access a step, written over the kernel threads'
/// verbs. Device d has words iommu and grp; an object has fw and ids; one global mutex stands for
/// iommu_probe_device_lock.
/// </summary>
public static class Yardstick
{
    /// <summary>The fwspec of a freed object in the programs where faults are quiet.</summary>
    private const ulong Freed = 0xfeed;

    /// <summary>One device, one bind, one registration.</summary>
    public static Workload S(bool @fixed) => Make("S", devices: 1, instances: 1, @fixed);

    /// <summary>Four devices, two instances, four threads.</summary>
    public static Workload M(bool @fixed) => Make("M", devices: 4, instances: 2, @fixed);

    /// <summary>M with two devices only.</summary>
    public static Workload SmallM(bool @fixed) => Make("small M", devices: 2, instances: 2, @fixed);

    /// <summary>
    /// Fixed M with another number of devices: each A takes the lock twice for each of its devices (half of them, rounded
    /// down), each B once for each device.
    /// </summary>
    public static Workload FixedM(int devices) => Make($"M of {devices}", devices, instances: 2, @fixed: true);

    /// <summary>M, where a NULL or freed object quietly abandons the device and only a lost fwspec counts: rare and deep.</summary>
    public static Workload H() => Make("H", devices: 4, instances: 2, (t, i, n) => QuietBind(t, i, n, Rule.Lost), (t, i, n) => QuietRegister(t, i, n, Rule.Lost));

    /// <summary>M, where the only bug is both B walks running whole between two adjacent steps of A0: shallow, but a long delay.</summary>
    public static Workload L() => Make("L", devices: 4, instances: 2, (t, i, n) => QuietBind(t, i, n, Rule.Overtaken), (t, i, n) => QuietRegister(t, i, n, Rule.Overtaken));

    /// <summary>One of the four, with its bug, by its letter.</summary>
    public static Workload Of(string letter) => letter switch
    {
        "S" => S(@fixed: false),
        "M" => M(@fixed: false),
        "H" => H(),
        "L" => L(),
        _ => throw new ArgumentOutOfRangeException(nameof(letter), letter, "S, M, H or L."),
    };

    /// <summary>What counts as the bug where faults are quiet.</summary>
    private enum Rule
    {
        Lost,
        Overtaken,
    }

    private static Workload Make(string name, int devices, int instances, bool @fixed) =>
        Make($"{name}{(@fixed ? " fixed" : string.Empty)}", devices, instances, (t, i, n) => Bind(t, i, n, @fixed), (t, i, n) => Register(t, i, n, (thread, iommu) => thread.Free(iommu)));

    private static Workload Make(string name, int devices, int instances, Func<KernelThread, int, int, Flow> bind, Func<KernelThread, int, int, Flow> register)
    {
        var numbers = Enumerable.Range(0, instances);
        return new Workload(
            $"yardstick {name}",
            Architecture.Arm64,
            [
                new Stage("boot", [new ThreadStart("init", t => Boot(t, devices))]),
                new Stage("race",
                [
                    .. numbers.Select(i => new ThreadStart($"A{i}", t => bind(t, i, devices / instances))),
                    .. numbers.Select(i => new ThreadStart($"B{i}", t => register(t, i, devices))),
                ]),
            ]);
    }

    private static async Flow Boot(KernelThread t, int devices)
    {
        await t.Allocate<Globals>(Home.Soc);
        for (var i = 0; i < devices; i++)
        {
            await t.Allocate<Device>(new Home(HomeKind.Device, i));
        }
    }

    private static async Flow Bind(KernelThread t, int instance, int count, bool @fixed)
    {
        var fw = (ulong)instance + 1;
        for (var d = instance * count; d < (instance + 1) * count; d++)
        {
            var dev = Device.Number(d);
            if (@fixed)
            {
                await t.Lock(Globals.ProbeLock);
            }

            if ((await t.Load(dev.Iommu)).Address.IsNull)
            {
                await t.Store(dev.Iommu, await t.Allocate<DevIommu>(dev.Address.Home));
            }

            var iommu = await t.Load(dev.Iommu);
            await t.Store(iommu.Fw, fw);
            iommu = await t.Load(dev.Iommu);
            if (await t.Load(iommu.Fw) != fw)
            {
                t.Report(FindingKind.Warning, "dev_iommu", "fw", "LOST");
            }

            await t.Store(iommu.Ids, 1UL);
            if (@fixed)
            {
                await t.Unlock(Globals.ProbeLock);
            }

            await t.Lock(Globals.ProbeLock);
            if (await t.Load(dev.Group) == 0)
            {
                iommu = await t.Load(dev.Iommu);
                await t.Load(iommu.Fw);
                await t.Store(dev.Group, 1UL);
            }

            await t.Unlock(Globals.ProbeLock);
        }
    }

    private static async Flow Register(KernelThread t, int instance, int devices, Func<KernelThread, DevIommu, Step> free)
    {
        for (var d = 0; d < devices; d++)
        {
            var dev = Device.Number(d);
            await t.Lock(Globals.ProbeLock);
            if (await t.Load(dev.Group) == 0)
            {
                var iommu = await t.Load(dev.Iommu);
                if (iommu.Address.IsNull)
                {
                    iommu = await t.Allocate<DevIommu>(dev.Address.Home);
                    await t.Store(dev.Iommu, iommu);
                }

                var fw = await t.Load(iommu.Fw);
                if (fw == 0)
                {
                    iommu = await t.Load(dev.Iommu);
                    await t.Store(dev.Iommu, default);
                    await free(t, iommu);
                }
                else if (fw == (ulong)instance + 1)
                {
                    await t.Store(dev.Group, 1UL);
                }
            }

            await t.Unlock(Globals.ProbeLock);
        }
    }

    /// <summary>As <see cref="Bind"/>; freed is a value of fw, and what would have faulted abandons the device.</summary>
    private static async Flow QuietBind(KernelThread t, int instance, int count, Rule rule)
    {
        for (var d = instance * count; d < (instance + 1) * count; d++)
        {
            if (!await QuietConfigure(t, Device.Number(d), (ulong)instance + 1, rule == Rule.Overtaken && d == 0, rule))
            {
                continue;
            }

            var dev = Device.Number(d);
            await t.Lock(Globals.ProbeLock);
            if (await t.Load(dev.Group) == 0)
            {
                var iommu = await t.Load(dev.Iommu);
                if (!iommu.Address.IsNull)
                {
                    await t.Load(iommu.Fw);
                    await t.Store(dev.Group, 1UL);
                }
            }

            await t.Unlock(Globals.ProbeLock);
        }
    }

    private static async Flow<bool> QuietConfigure(KernelThread t, Device dev, ulong fw, bool watch, Rule rule)
    {
        var before = watch ? await t.ReadOnce(Globals.WalksBegun) : 1;
        if ((watch ? await t.ReadOnce(Globals.WalksEnded) : 0) == 2 && before == 0)
        {
            t.Report(FindingKind.Warning, "globals", "walks", "OVERTAKEN");
        }

        if ((await t.Load(dev.Iommu)).Address.IsNull)
        {
            await t.Store(dev.Iommu, await t.Allocate<DevIommu>(dev.Address.Home));
        }

        var iommu = await t.Load(dev.Iommu);
        if (iommu.Address.IsNull || await t.Exchange(iommu.Fw, fw) == Freed)
        {
            return false;
        }

        iommu = await t.Load(dev.Iommu);
        var seen = iommu.Address.IsNull ? Freed : await t.Load(iommu.Fw);
        if (seen != Freed && seen != fw && rule == Rule.Lost)
        {
            t.Report(FindingKind.Warning, "dev_iommu", "fw", "LOST");
        }

        // Stands for ids = 1: one step that touches the object and tells whether it is freed.
        return seen != Freed && await t.Exchange(iommu.Fw, fw) != Freed;
    }

    private static async Flow QuietRegister(KernelThread t, int instance, int devices, Rule rule)
    {
        if (rule == Rule.Overtaken)
        {
            await t.AtomicAdd(Globals.WalksBegun, 1);
        }

        await Register(t, instance, devices, (thread, iommu) => thread.Store(iommu.Fw, Freed));
        if (rule == Rule.Overtaken)
        {
            await t.AtomicAdd(Globals.WalksEnded, 1);
        }
    }

    private readonly record struct Globals(Address Address) : IKernelObject<Globals>
    {
        private static readonly Layout s_layout = new("globals");
        private static readonly FieldDescriptor s_probeLock = s_layout.Lock("iommu_probe_device_lock", 0, 0, new LockClass("iommu_probe_device_lock", LockKind.Mutex));
        private static readonly FieldDescriptor s_begun = s_layout.Word("walks_begun", 4, 8);
        private static readonly FieldDescriptor s_ended = s_layout.Word("walks_ended", 8, 16);

        public static Layout Layout => s_layout;

        public static Mutex ProbeLock => new(At, s_probeLock);

        public static Field<long> WalksBegun => new(At, s_begun);

        public static Field<long> WalksEnded => new(At, s_ended);

        private static Address At => Address.Create(Home.Soc, thread: 1, count: 0);
    }

    private readonly record struct Device(Address Address) : IKernelObject<Device>
    {
        private static readonly Layout s_layout = new("device");
        private static readonly FieldDescriptor s_iommu = s_layout.Word("iommu", 0, 0);
        private static readonly FieldDescriptor s_group = s_layout.Word("iommu_group", 4, 8);

        public static Layout Layout => s_layout;

        public Field<DevIommu> Iommu => new(Address, s_iommu);

        public Field<ulong> Group => new(Address, s_group);

        public static Device Number(int d) => new(Address.Create(new Home(HomeKind.Device, d), thread: 1, count: 1 + d));
    }

    private readonly record struct DevIommu(Address Address) : IKernelObject<DevIommu>
    {
        private static readonly Layout s_layout = new("dev_iommu");
        private static readonly FieldDescriptor s_fw = s_layout.Word("fw", 0, 0);
        private static readonly FieldDescriptor s_ids = s_layout.Word("ids", 4, 8);

        public static Layout Layout => s_layout;

        public Field<ulong> Fw => new(Address, s_fw);

        public Field<ulong> Ids => new(Address, s_ids);
    }
}
