using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Firmware;

/// <summary>DMA set-up from the device tree (Linux: <c>drivers/of/device.c</c>).</summary>
internal static class OfDevice
{
    /// <summary>Sets a device up for DMA from its own firmware node.</summary>
    /// <param name="t">The running thread; on the bind path it holds the device's mutex.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0 or -EPROBE_DEFER; any other IOMMU error means "no IOMMU, carry on".</returns>
    [KernelSource("drivers/of/device.c", "of_dma_configure_id")]
    internal static async Flow<Errno> OfDmaConfigureId(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var error = await OfIommu.OfIommuConfigure(t, dev);
        if (error == Errno.EProbeDefer)
        {
            return error;
        }

        await ArchDma.ArchSetupDmaOps(t, dev, hasIommu: error == Errno.None, OfDmaIsCoherent(t.Machine, t.Machine.FactsOf(dev)));
        return Errno.None;
    }

    /// <summary>Whether a device sees the CPU's caches: what the nearest node says, or else the architecture's habit.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="device">The device; what a scan finds is as its host.</param>
    /// <returns>True when it does.</returns>
    [KernelSource("drivers/of/address.c", "of_dma_is_coherent")]
    internal static bool OfDmaIsCoherent(Machine machine, DeviceFacts device) =>
        (device.Host >= 0 ? machine.Devices[device.Host] : device).Node.DmaCoherent ?? machine.Architecture == Architecture.X86;
}
