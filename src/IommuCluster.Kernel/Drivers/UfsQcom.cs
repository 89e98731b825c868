using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// Qualcomm's UFS host (Linux: <c>drivers/ufs/host/ufs-qcom.c</c>, <c>drivers/ufs/core/ufshcd.c</c>). The phy in its firmware
/// node has its reset from this very host, so firmware links cannot order the two: it is here, with DMA long
/// configured, that a host which came first finds no phy and defers.
/// </summary>
internal sealed class UfsQcom() : DeviceDriver("ufshcd-qcom", InitcallLevel.Device)
{
    /// <inheritdoc/>
    public override bool IsClient => true;

    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) => device.Node.Compatible.Contains("qcom,ufshc");

    /// <inheritdoc/>
    /// <returns>0; -EPROBE_DEFER while the phy has no provider; -ENOMEM.</returns>
    [KernelSource("drivers/ufs/host/ufs-qcom.c", "ufs_qcom_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        using var frame = t.Call("ufs_qcom_probe");
        return await UfshcdInit(t, dev);
    }

    /// <inheritdoc/>
    [KernelSource("drivers/ufs/host/ufs-qcom.c", "ufs_qcom_remove")]
    public override async Flow Remove(KernelThread t, Device dev)
    {
        if (t.Machine.Plan.Transfers == 0)
        {
            return;
        }

        using var frame = t.Call("ufs_qcom_remove");
        await DmaMapping.DmaUnmapPage(t, dev, await DmaAgent.End(t, dev));
    }

    [KernelSource("drivers/ufs/core/ufshcd.c", "ufshcd_init")]
    private static async Flow<Errno> UfshcdInit(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var error = await UfsQcomInit(t, dev);
        return error != Errno.None || t.Machine.Plan.Transfers == 0 ? error : await UfshcdMemoryAlloc(t, dev);
    }

    [KernelSource("drivers/ufs/host/ufs-qcom.c", "ufs_qcom_init")]
    private static async Flow<Errno> UfsQcomInit(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        foreach (var phy in t.Machine.SuppliersOf(dev, SupplierKind.Phy))
        {
            if (!await OfPhyProviderLookup(t, phy))
            {
                return Errno.EProbeDefer;
            }
        }

        return Errno.None;
    }

    [KernelSource("drivers/phy/phy-core.c", "of_phy_provider_lookup")]
    private static async Flow<bool> OfPhyProviderLookup(KernelThread t, Device phy)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.PhyProviderMutex);
        var provider = await t.Load(phy.DriverData);
        await t.Unlock(soc.PhyProviderMutex);
        return !provider.IsNull;
    }

    /// <summary>Maps the lists of requests and hands them to the host, which reads them from then on.</summary>
    [KernelSource("drivers/ufs/core/ufshcd.c", "ufshcd_memory_alloc")]
    private static async Flow<Errno> UfshcdMemoryAlloc(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var address = await DmaMapping.DmaMapPage(t, dev, DmaAgent.BufferOf(dev));
        if (address == DmaMapping.MappingError)
        {
            return Errno.ENoMem;
        }

        await DmaAgent.Begin(t, dev, address);
        return Errno.None;
    }
}
