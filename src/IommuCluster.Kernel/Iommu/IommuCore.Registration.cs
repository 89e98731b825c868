using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Iommu;

/// <content>Instances coming: registration and the walk over the bus.</content>
internal static partial class IommuCore
{
    /// <summary>Registers an instance; from v6.1 on it then walks the bus.</summary>
    /// <param name="t">The running thread; holds the IOMMU device's mutex.</param>
    /// <param name="instance">The instance.</param>
    /// <param name="ops">The driver's ops.</param>
    /// <param name="hardware">The IOMMU's device.</param>
    /// <returns>0; -EBUSY when another driver was first (up to v6.7); or the walk's error.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_device_register")]
    internal static async Flow<Errno> IommuDeviceRegister(KernelThread t, IommuDevice instance, IommuOps ops, Device hardware)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        var profile = t.Machine.Profile;
        if (profile.SecondDriver == SecondDriver.BusyAnywhere)
        {
            var present = await t.Load(soc.BusIommuOps);
            if (present != 0 && present != ops.Reference)
            {
                return Errno.EBusy;
            }
        }

        await t.Store(instance.Ops, ops.Reference);
        await t.Store(instance.Fwnode, hardware.Number + 1);
        await t.Lock(soc.IommuDeviceLock);
        await Lists.AddTail(t, instance.List, soc.IommuDeviceList);
        await t.Unlock(soc.IommuDeviceLock);
        if (profile.BusWalk == BusWalk.OncePerDriver)
        {
            return Errno.None;
        }

        if (profile.OpsFromBus)
        {
            await t.Store(soc.BusIommuOps, ops.Reference);
        }

        var error = await BusIommuProbe(t);
        if (error != Errno.None)
        {
            await IommuDeviceUnregister(t, instance);
        }

        return error;
    }

    /// <summary>Makes a driver's ops those of the bus and walks it, once a driver (up to v6.0).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="ops">The driver's ops.</param>
    /// <returns>0, or -EBUSY when the bus has ops.</returns>
    [KernelSource("drivers/iommu/iommu.c", "bus_set_iommu", Release = "v5.17")]
    internal static async Flow<Errno> BusSetIommu(KernelThread t, IommuOps ops)
    {
        var profile = t.Machine.Profile;
        if (profile.BusWalk != BusWalk.OncePerDriver)
        {
            return Errno.None;
        }

        using var frame = t.Call();
        var soc = Soc.Globals;
        if (await t.Load(soc.BusIommuOps) != 0)
        {
            return Errno.EBusy;
        }

        await t.Store(soc.BusIommuOps, ops.Reference);
        await t.DownWrite(soc.BusNotifierRwsem);
        await t.Store(soc.BusNotifier, true);
        await t.UpWrite(soc.BusNotifierRwsem);
        var error = profile.CoreCalls == CoreCalls.AddDevice ? await IommuBusInit(t) : await BusIommuProbe(t);
        if (error != Errno.None)
        {
            await t.Store(soc.BusIommuOps, 0);
        }

        return error;
    }

    /// <summary>The walk up to v5.7: one device after the other, and nothing to be done for groups afterwards.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_bus_init", Release = "v4.15")]
    private static async Flow<Errno> IommuBusInit(KernelThread t)
    {
        using var frame = t.Call();
        return await Bus.BusForEachDev(t, AddIommuGroup);
    }

    /// <summary>Takes an instance off the list. Groups and domains that point at it stay.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="instance">The instance.</param>
    /// <returns>Completes when nobody finds it any more.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_device_unregister")]
    internal static async Flow IommuDeviceUnregister(KernelThread t, IommuDevice instance)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.IommuDeviceLock);
        await Lists.DelInit(t, instance.List);
        await t.Unlock(soc.IommuDeviceLock);
    }

    [KernelSource("drivers/iommu/iommu.c", "bus_iommu_probe")]
    private static async Flow<Errno> BusIommuProbe(KernelThread t)
    {
        using var frame = t.Call();
        var walk = await t.Allocate<WalkList>(Home.Soc); // The kernel has the list's head on its stack.
        var groups = walk.Groups;
        await Lists.Init(t, groups);
        var error = await Bus.BusForEachDev(t, (thread, dev) => ProbeIommuGroup(thread, dev, groups));
        while (error == Errno.None && !await Lists.IsEmpty(t, groups))
        {
            var group = IommuGroup.FromEntry(await t.Load(groups.Next));
            error = t.Machine.Profile.ProbeLock == ProbeLock.Caller
                ? await SetupQueuedGroup66(t, group)
                : await SetupQueuedGroup58(t, group);
        }

        await t.Free(walk);
        return error;
    }

    /// <summary>One turn of the second loop of <c>bus_iommu_probe</c> up to v6.5.</summary>
    [KernelSource("drivers/iommu/iommu.c", "bus_iommu_probe", Release = "v6.2")]
    private static async Flow<Errno> SetupQueuedGroup58(KernelThread t, IommuGroup group)
    {
        await t.Lock(group.Mutex);
        await Lists.DelInit(t, group.Entry);
        var first = GroupDevice.FromList(await t.Load(group.Devices.Next));
        await IommuAllocDefaultDomain(t, group, await t.Load(first.Dev));
        var error = Errno.None;
        var domain = await t.Load(group.DefaultDomain);
        if (!domain.Address.IsNull)
        {
            await IommuGroupCreateDirectMappings(t, group, domain);
            for (var at = await t.Load(group.Devices.Next); error == Errno.None && at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
            {
                error = await __IommuAttachDevice(t, domain, await t.Load(GroupDevice.FromList(at).Dev));
            }
        }

        await t.Unlock(group.Mutex);
        if (error == Errno.None)
        {
            await IommuGroupDoProbeFinalize(t, group);
        }

        return error;
    }

    /// <summary>One turn of the second loop of <c>bus_iommu_probe</c> since v6.6.</summary>
    [KernelSource("drivers/iommu/iommu.c", "bus_iommu_probe", Release = "v6.6")]
    private static async Flow<Errno> SetupQueuedGroup66(KernelThread t, IommuGroup group)
    {
        await t.Lock(group.Mutex);
        await Lists.DelInit(t, group.Entry);
        var error = await IommuSetupDefaultDomain(t, group);
        if (error == Errno.None && t.Machine.Profile.DmaOpsSetter == DmaOpsSetter.Core)
        {
            await SetupDmaOpsOfMembers(t, group);
        }

        await t.Unlock(group.Mutex);
        if (error == Errno.None)
        {
            await IommuGroupDoProbeFinalize(t, group);
        }

        return error;
    }

    /// <summary>Walks the members without the group's mutex, because ARM32 drivers attach from there.</summary>
    [KernelSource("drivers/iommu/iommu.c", "iommu_group_do_probe_finalize")]
    private static async Flow IommuGroupDoProbeFinalize(KernelThread t, IommuGroup group)
    {
        if (!t.Machine.FinalizesProbes)
        {
            return; // Nobody to call: the walk itself is left out.
        }

        using var frame = t.Call();
        for (var at = await t.Load(group.Devices.Next); at != group.Devices.Address; at = await t.Load(new ListHead(at).Next))
        {
            await ProbeFinalize(t, await t.Load(GroupDevice.FromList(at).Dev));
        }
    }

    /// <summary>The head of a walk's list of groups.</summary>
    private readonly record struct WalkList(Address Address) : IKernelObject<WalkList>
    {
        private static readonly Layout s_layout = new("bus_iommu_probe.group_list");
        private static readonly FieldDescriptor s_groups = s_layout.List("group_list", 0, 0);

        public static Layout Layout => s_layout;

        public ListHead Groups => ListHead.In(Address, s_groups);
    }
}
