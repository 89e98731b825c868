using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;

namespace IommuCluster.Kernel.Drivers;

/// <summary>The driver that an IOMMU has in the model.</summary>
/// <param name="Driver">The kernel's name of the driver.</param>
/// <param name="IsPlain">True when a plain paging driver takes its place: nothing that is special about it is modelled.</param>
public sealed record IommuDriverModel(string Driver, bool IsPlain);

/// <summary>Which driver serves which IOMMU. A driver that has a model of its own goes before the plain one.</summary>
public static class IommuDrivers
{
    /// <summary>The driver of an IOMMU.</summary>
    /// <param name="iommu">The IOMMU's node.</param>
    /// <returns>The driver; null when the node is no IOMMU, or one that no driver here serves: it never registers, and its masters wait for it.</returns>
    public static IommuDriverModel? ModelOf(FirmwareNode iommu)
    {
        ArgumentNullException.ThrowIfNull(iommu);
        var facts = new DeviceFacts(0, iommu, [], [], Driver: -1);
        if (Modelled().FirstOrDefault(ops => ops.Driver.Matches(facts)) is { } modelled)
        {
            return new IommuDriverModel(modelled.Driver.Name, IsPlain: false);
        }

        return iommu.IommuCells is not null && PlainIommuFamily.All.FirstOrDefault(family => family.Serves(iommu)) is { } plain
            ? new IommuDriverModel(plain.Driver, IsPlain: true)
            : null;
    }

    /// <summary>The drivers of a machine: those that serve an IOMMU of it, plain ones last.</summary>
    /// <param name="devices">The machine's devices.</param>
    /// <returns>Their ops, in the order in which they are numbered.</returns>
    internal static ImmutableArray<IommuOps> CreateFor(ImmutableArray<DeviceFacts> devices)
    {
        var modelled = Modelled();
        var left = devices.Where(device => device.IsIommu && !modelled.Any(ops => ops.Driver.Matches(device))).ToList();
        return
        [
            .. modelled.Where(ops => devices.Any(ops.Driver.Matches)),
            .. PlainIommuFamily.All.Where(family => left.Exists(device => family.Serves(device.Node))).Select(family => new PlainIommu(family)),
        ];
    }

    /// <summary>The drivers with a model of their own. Adding one is one file and one name here.</summary>
    private static ImmutableArray<IommuOps> Modelled() => [new ArmSmmu(), new RockchipIommu(), new MtkIommuV1()];
}
