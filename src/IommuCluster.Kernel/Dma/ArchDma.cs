using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Dma;

/// <summary>The architecture's part of DMA set-up (Linux: <c>arch/{arm,arm64}/mm/dma-mapping.c</c>).</summary>
internal static class ArchDma
{
    /// <summary>Chooses a device's DMA ops as its driver binds.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="hasIommu">True when firmware parsing found an IOMMU for it.</param>
    /// <param name="isCoherent">True when it sees the CPU's caches.</param>
    /// <returns>Completes when the ops are chosen, where that is the architecture's business.</returns>
    [KernelSource("arch/arm64/mm/dma-mapping.c", "arch_setup_dma_ops")]
    internal static async Flow ArchSetupDmaOps(KernelThread t, Device dev, bool hasIommu, bool isCoherent)
    {
        if (isCoherent)
        {
            await t.Store(dev.DmaCoherent, true); // Nothing ever makes it false again: firmware does not change.
        }

        if (!hasIommu)
        {
            return;
        }

        using var frame = t.Call();
        if (t.Machine.Architecture == Architecture.Arm)
        {
            if (await t.Load(dev.DmaOps) == DmaOps.Direct && await ArmDmaMapping.ArmSetupIommuDmaOps(t, dev))
            {
                await t.Store(dev.DmaOpsSetup, true);
            }
        }
        else if (t.Machine.Profile.DmaOpsSetter == DmaOpsSetter.Architecture)
        {
            await DmaIommu.IommuSetupDmaOps(t, dev);
        }
    }

    /// <summary>Takes back what <see cref="ArchSetupDmaOps"/> chose, at every unbind and failed probe.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when the ops are the platform's again.</returns>
    [KernelSource("arch/arm64/mm/dma-mapping.c", "arch_teardown_dma_ops")]
    internal static async Flow ArchTeardownDmaOps(KernelThread t, Device dev)
    {
        if (t.Machine.Architecture == Architecture.Arm)
        {
            using var frame = t.Call();
            if (await t.Load(dev.DmaOpsSetup))
            {
                var mapping = await t.Load(dev.Mapping);
                await ArmDmaMapping.ArmIommuDetachDevice(t, dev);
                if (!mapping.Address.IsNull)
                {
                    await ArmDmaMapping.ArmIommuReleaseMapping(t, mapping);
                }

                await t.Store(dev.DmaOpsSetup, false);
            }
        }
        else if (t.Machine.Profile.ArchTeardownClearsDmaOps)
        {
            using var frame = t.Call();
            await t.Store(dev.DmaOps, DmaOps.Direct);
        }
    }
}
