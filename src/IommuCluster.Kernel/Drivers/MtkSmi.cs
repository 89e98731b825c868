using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Drivers;

/// <summary>MediaTek's SMI common block, between the larbs and memory (Linux: <c>drivers/memory/mtk-smi.c</c>).</summary>
internal sealed class MtkSmiCommon() : DeviceDriver("mtk-smi-common", InitcallLevel.Subsys)
{
    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) => MtkSmi.Has(device, "-smi-common");

    /// <inheritdoc/>
    [KernelSource("drivers/memory/mtk-smi.c", "mtk_smi_common_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        using var frame = t.Call("mtk_smi_common_probe");
        await t.Store(dev.DriverData, dev.Address);
        return Errno.None;
    }
}

/// <summary>A local arbiter: the ports of a few masters, where their translation is switched on (Linux: <c>drivers/memory/mtk-smi.c</c>).</summary>
internal sealed class MtkSmiLarb() : DeviceDriver("mtk-smi-larb", InitcallLevel.Subsys)
{
    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) => MtkSmi.Has(device, "-smi-larb");

    /// <inheritdoc/>
    /// <returns>0, or -EPROBE_DEFER while the SMI common block has no driver.</returns>
    [KernelSource("drivers/memory/mtk-smi.c", "mtk_smi_larb_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        using var frame = t.Call("mtk_smi_larb_probe");
        foreach (var smi in t.Machine.SuppliersOf(dev, SupplierKind.MediaTekLarb))
        {
            if ((await t.Load(smi.DriverData)).IsNull)
            {
                return Errno.EProbeDefer;
            }
        }

        await t.Store(dev.DriverData, dev.Address);
        return Errno.None;
    }
}

/// <summary>What the two drivers share.</summary>
file static class MtkSmi
{
    /// <summary>True when a device is one of MediaTek's blocks of a kind.</summary>
    /// <param name="device">The device.</param>
    /// <param name="kind">The end of its <c>compatible</c>.</param>
    /// <returns>True when one of its names ends so.</returns>
    internal static bool Has(DeviceFacts device, string kind) => device.Node.Compatible.Any(name =>
        name.StartsWith("mediatek,", StringComparison.Ordinal) && name.EndsWith(kind, StringComparison.Ordinal));
}
