using System.Collections.Immutable;
using System.Diagnostics;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Userspace;

/// <summary>What users do to devices after boot, through sysfs (Linux: <c>drivers/base/bus.c</c>, <c>drivers/pci/pci-sysfs.c</c>).</summary>
internal static class UserActions
{
    /// <summary>The users of a plan.</summary>
    /// <param name="machine">The machine.</param>
    /// <returns>A thread a user.</returns>
    /// <exception cref="BootPlanException">An action names a device that is not there, or that has no driver to be bound to.</exception>
    internal static ImmutableArray<ThreadStart> Threads(Machine machine) =>
        [.. machine.Plan.Users.Select((actions, number) => User(machine, number, [.. actions.Select(action => (action.Verb, Find(machine, action)))]))];

    private static ThreadStart User(Machine machine, int number, ImmutableArray<(UserVerb Verb, DeviceFacts Device)> actions) =>
        new($"user{(machine.Plan.Users.Length == 1 ? string.Empty : $" {number + 1}")}", async t =>
        {
            var claimed = new HashSet<int>();
            foreach (var (verb, device) in actions)
            {
                await Act(t, verb, device, owner: (ulong)number + 1, claimed);
            }
        });

    private static DeviceFacts Find(Machine machine, UserAction action) =>
        machine.Devices.FirstOrDefault(device => device.IsCalled(action.Device) && device.Driver >= 0)
            ?? throw new BootPlanException($"no device here that has a driver is called '{action.Device}', for a user to {action.Verb.ToString().ToLowerInvariant()} it; the masters are {string.Join(", ", machine.MasterNames())}");

    /// <summary>Does one thing; a user releases only what it has claimed, so a claim that was refused has no release.</summary>
    private static async Flow Act(KernelThread t, UserVerb verb, DeviceFacts device, ulong owner, HashSet<int> claimed)
    {
        var dev = Machine.DeviceAt(device.Number);
        switch (verb)
        {
            case UserVerb.Unbind:
                await DriverBinding.DeviceReleaseDriver(t, dev);
                break;
            case UserVerb.Bind:
                await DriverBinding.DeviceDriverAttach(t, dev, device.Driver);
                break;
            case UserVerb.Remove:
                await Core.DeviceDel(t, dev);
                break;
            case UserVerb.Rescan:
                await Core.DeviceAddAgain(t, dev);
                break;
            case UserVerb.TypeIdentity:
                await IommuCore.IommuGroupStoreType(t, dev, DomainType.Identity);
                break;
            case UserVerb.TypeDma:
                await IommuCore.IommuGroupStoreType(t, dev, DomainType.Dma);
                break;
            case UserVerb.Claim:
                if (await IommuCore.IommuDeviceClaimDmaOwner(t, dev, owner) == Errno.None)
                {
                    claimed.Add(device.Number);
                }

                break;
            case UserVerb.Release:
                if (claimed.Remove(device.Number))
                {
                    await IommuCore.IommuDeviceReleaseDmaOwner(t, dev);
                }

                break;
            default:
                throw new UnreachableException();
        }
    }
}
