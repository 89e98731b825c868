using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// Qualcomm's QMP phy of a UFS host (Linux: <c>drivers/phy/qualcomm/phy-qcom-qmp-ufs.c</c>). Its reset is the host's to
/// give and the host's phy is this one, so the reset is asked for only as the phy is powered on: the probe waits for nobody.
/// </summary>
internal sealed class QmpUfsPhy() : DeviceDriver("qcom-qmp-ufs-phy", InitcallLevel.Device)
{
    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) => device.Node.Compatible.Any(name =>
        name.StartsWith("qcom,", StringComparison.Ordinal) && name.EndsWith("-qmp-ufs-phy", StringComparison.Ordinal));

    /// <inheritdoc/>
    [KernelSource("drivers/phy/qualcomm/phy-qcom-qmp-ufs.c", "qmp_ufs_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        using var frame = t.Call("qmp_ufs_probe");
        await OfPhyProviderRegister(t, dev);
        return Errno.None;
    }

    /// <summary>From here on whoever asks for the phy gets it; the driver is not bound yet.</summary>
    [KernelSource("drivers/phy/phy-core.c", "__of_phy_provider_register")]
    private static async Flow OfPhyProviderRegister(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.PhyProviderMutex);
        await t.Store(dev.DriverData, dev.Address);
        await t.Unlock(soc.PhyProviderMutex);
    }
}
