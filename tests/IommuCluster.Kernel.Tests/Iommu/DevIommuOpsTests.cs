using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Tests.Drivers;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Iommu;

public sealed class DevIommuOpsTests
{
    /// <summary>
    /// dev_iommu_ops() does not ask whether there is a dev->iommu: where a race has freed it, its caller oopses.
    /// <code>
    /// CPU0 (iommu_device_register)         CPU1 (device_del)
    /// ----                                 ----
    /// __iommu_probe_device()
    ///   dev_iommu_free(): dev->iommu = NULL
    ///                                      iommu_release_device()
    ///                                        dev_iommu_ops(): dev->iommu->iommu_dev
    /// </code>
    /// </summary>
    [Fact]
    public void DevIommuOps_OfADeviceWhoseDevIommuWasFreed_OopsesInItsCaller()
    {
        var boot = BootWorkload.Create(Toys.Plan("linux-6.6", Architecture.Arm64, Toys.Iommu("/smmu", "arm,mmu-500", contexts: 4), Toys.Node("/ohci", "toy,ohci").Behind("/smmu", 0)));
        var race = new Stage("race", [new ThreadStart("register, then remove", async t =>
        {
            var dev = Machine.DeviceAt(Toys.NumberOf(t, "ohci"));
            await IommuCore.DevIommuFree(t, dev);
            await Core.DeviceDel(t, dev);
        })]);

        var (runtime, _) = Explore.Once(new InTurn(), boot with { Stages = boot.Stages.Add(race) });

        var seen = Assert.Single(runtime.Sightings, sighting => !sighting.Finding.IsRace).Finding;
        Assert.Equal((FindingKind.NullDereference, "IommuReleaseDevice66", "dev_iommu", "iommu_dev"), (seen.Kind, seen.Function, seen.ObjectType, seen.Field));
    }
}
