using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>What the platform bus does around a probe (Linux: <c>drivers/base/platform.c</c>).</summary>
internal static class Platform
{
    /// <summary>Makes a device ready for DMA before its driver probes.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device.</param>
    /// <param name="driver">Number of the driver that probes.</param>
    /// <returns>0, -EPROBE_DEFER while the IOMMU is awaited, -EBUSY when a user owns the group's DMA.</returns>
    [KernelSource("drivers/base/platform.c", "platform_dma_configure")]
    internal static async Flow<Errno> PlatformDmaConfigure(KernelThread t, Device dev, int driver)
    {
        using var frame = t.Call();
        var error = await OfDevice.OfDmaConfigureId(t, dev);
        if (error == Errno.None && t.Machine.Profile.DmaOwnership && !t.Machine.Drivers[driver].DriverManagedDma)
        {
            error = await IommuCore.IommuDeviceUseDefaultDomain(t, dev);
            if (error != Errno.None)
            {
                await ArchDma.ArchTeardownDmaOps(t, dev);
            }
        }

        return error;
    }

    /// <summary>Gives back what <see cref="PlatformDmaConfigure"/> took.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device.</param>
    /// <param name="driver">Number of the driver that goes.</param>
    /// <returns>Completes when the group has one user less.</returns>
    [KernelSource("drivers/base/platform.c", "platform_dma_cleanup", Release = "v5.19")]
    internal static async Flow PlatformDmaCleanup(KernelThread t, Device dev, int driver)
    {
        if (t.Machine.Profile.DmaOwnership && !t.Machine.Drivers[driver].DriverManagedDma)
        {
            using var frame = t.Call();
            await IommuCore.IommuDeviceUnuseDefaultDomain(t, dev);
        }
    }
}
