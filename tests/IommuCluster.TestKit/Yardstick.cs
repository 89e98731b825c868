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
    /// <summary>One device, one bind, one registration.</summary>
    public static Workload S(bool @fixed) => Make("S", devices: 1, instances: 1, @fixed, Rules.All);

    /// <summary>Four devices, two instances, four threads.</summary>
    public static Workload M(bool @fixed) => Make("M", devices: 4, instances: 2, @fixed, Rules.All);

    /// <summary>M, where only a lost fwspec counts: rare and deep.</summary>
    public static Workload H() => Make("H", devices: 4, instances: 2, @fixed: false, Rules.LostOnly);

    private enum Rules
    {
        All,
        LostOnly,
    }

    private static Workload Make(string name, int devices, int instances, bool @fixed, Rules rules)
    {
        var threads = ImmutableArray.CreateBuilder<ThreadStart>();
        for (var i = 0; i < instances; i++)
        {
            var instance = i;
            threads.Add(new ThreadStart($"A{instance}", t => Bind(t, instance, devices / instances, @fixed, rules)));
        }

        for (var i = 0; i < instances; i++)
        {
            var instance = i;
            threads.Add(new ThreadStart($"B{instance}", t => Register(t, instance, devices)));
        }

        return new Workload(
            $"yardstick {name}{(@fixed ? " fixed" : string.Empty)}",
            Architecture.Arm64,
            [new Stage("boot", [new ThreadStart("init", t => Boot(t, devices))]), new Stage("race", threads.ToImmutable())]);
    }

    private static async ValueTask Boot(KernelThread t, int devices)
    {
        await t.Allocate<Globals>(Home.Soc);
        for (var i = 0; i < devices; i++)
        {
            await t.Allocate<Device>(new Home(HomeKind.Device, i));
        }
    }

    private static async ValueTask Bind(KernelThread t, int instance, int count, bool @fixed, Rules rules)
    {
        var fw = (ulong)instance + 1;
        for (var d = instance * count; d < (instance + 1) * count; d++)
        {
            var dev = Device.Number(d);
            if (@fixed)
            {
                await t.Lock(Globals.ProbeLock);
            }

            var abandoned = false;
            if ((await t.Load(dev.Iommu)).Address.IsNull)
            {
                var made = await t.Allocate<DevIommu>(dev.Address.Home);
                await t.Store(dev.Iommu, made);
            }

            var iommu = await t.Load(dev.Iommu);
            if (rules == Rules.LostOnly && iommu.Address.IsNull)
            {
                abandoned = true;
            }
            else
            {
                await t.Store(iommu.Fw, fw);
                iommu = await t.Load(dev.Iommu);
                var seen = await t.Load(iommu.Fw);
                if (seen != fw)
                {
                    t.Report(FindingKind.Warning, "dev_iommu", "fw", "LOST");
                }

                await t.Store(iommu.Ids, 1UL);
            }

            if (@fixed)
            {
                await t.Unlock(Globals.ProbeLock);
            }

            if (abandoned)
            {
                continue;
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

    private static async ValueTask Register(KernelThread t, int instance, int devices)
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
                    await t.Free(iommu);
                }
                else if (fw == (ulong)instance + 1)
                {
                    await t.Store(dev.Group, 1UL);
                }
            }

            await t.Unlock(Globals.ProbeLock);
        }
    }

    private readonly record struct Globals(Address Address) : IKernelObject<Globals>
    {
        private static readonly Layout s_layout = new("globals");
        private static readonly FieldDescriptor s_probeLock = s_layout.Lock("iommu_probe_device_lock", 0, 0, new LockClass("iommu_probe_device_lock", LockKind.Mutex));

        public static Layout Layout => s_layout;

        public static Mutex ProbeLock => new(Address.Create(Home.Soc, thread: 1, count: 0), s_probeLock);
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
