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
        foreach (var (_, driver) in Modelled())
        {
            if (driver.Matches(facts))
            {
                return new IommuDriverModel(driver.Name, IsPlain: false);
            }
        }

        return iommu.IommuCells is not null && PlainIommuFamily.All.FirstOrDefault(family => family.Serves(iommu)) is { } plain
            ? new IommuDriverModel(plain.Driver, IsPlain: true)
            : null;
    }

    /// <summary>The drivers of a machine: those with a model of their own always, plain ones where the machine has such an IOMMU.</summary>
    /// <param name="devices">The machine's devices.</param>
    /// <returns>Ops and the driver that registers them, in the order in which ops are numbered.</returns>
    internal static ImmutableArray<(IommuOps Ops, DeviceDriver Driver)> CreateFor(ImmutableArray<DeviceFacts> devices)
    {
        var modelled = Modelled();
        var left = devices.Where(device => device.IsIommu && !modelled.Any(pair => pair.Driver.Matches(device))).ToList();
        var plain = PlainIommuFamily.All.Where(family => left.Exists(device => family.Serves(device.Node))).Select(family => new PlainIommu(family));
        return [.. modelled, .. plain.Select(ops => ((IommuOps)ops, ops.Driver))];
    }

    private static ImmutableArray<(IommuOps Ops, DeviceDriver Driver)> Modelled()
    {
        var smmu = new ArmSmmu();
        var rockchip = new RockchipIommu();
        return [(smmu, smmu.Driver), (rockchip, rockchip.Driver)];
    }
}
