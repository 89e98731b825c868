using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// Rockchip's display: when the last VOP has come, the DRM driver makes one domain for all of them, and enabling a
/// CRTC attaches it (Linux: <c>drivers/gpu/drm/rockchip</c>). Switch <c>detach-arm-mapping</c>: <c>before</c> or
/// <c>after</c> 8490cad4dc4e, which leaves the ARM DMA mapping first; <c>after</c> by default.
/// </summary>
internal sealed class RockchipDrm() : DeviceDriver("rockchip-drm", InitcallLevel.Device)
{
    /// <inheritdoc/>
    public override ImmutableArray<DriverSwitch> Switches => [new("detach-arm-mapping", "before", "after")];

    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) =>
        !device.IsIommu && device.Node.Compatible.Any(name => name.StartsWith("rockchip,", StringComparison.Ordinal) && name.Contains("-vop", StringComparison.Ordinal));

    /// <inheritdoc/>
    [KernelSource("drivers/gpu/drm/rockchip/rockchip_vop_reg.c", "vop_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        using var frame = t.Call("vop_probe");
        var soc = Soc.Globals;
        await t.Lock(soc.ComponentMutex);
        var components = await t.Load(soc.RkDrmComponents) + 1;
        await t.Store(soc.RkDrmComponents, components);
        if (components == Vops(t.Machine).Count())
        {
            await RockchipDrmBind(t);
        }

        await t.Unlock(soc.ComponentMutex);
        return Errno.None;
    }

    private IEnumerable<DeviceFacts> Vops(Machine machine) => machine.Devices.Where(Matches);

    [KernelSource("drivers/gpu/drm/rockchip/rockchip_drm_drv.c", "rockchip_drm_bind")]
    private async Flow RockchipDrmBind(KernelThread t)
    {
        using var frame = t.Call();
        await RockchipDrmInitIommu(t);
        foreach (var vop in Vops(t.Machine))
        {
            await VopCrtcAtomicEnable(t, Machine.DeviceAt(vop.Number));
        }
    }

    [KernelSource("drivers/gpu/drm/rockchip/rockchip_drm_drv.c", "rockchip_drm_init_iommu")]
    private async Flow RockchipDrmInitIommu(KernelThread t)
    {
        using var frame = t.Call();
        foreach (var vop in Vops(t.Machine))
        {
            var domain = await IommuCore.IommuDomainAlloc(t, Machine.DeviceAt(vop.Number));
            if (!domain.Address.IsNull)
            {
                await t.Store(Soc.Globals.RkDrmDomain, domain);
                return;
            }
        }
    }

    [KernelSource("drivers/gpu/drm/rockchip/rockchip_drm_vop.c", "vop_crtc_atomic_enable")]
    private static async Flow VopCrtcAtomicEnable(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var error = await RockchipDrmDmaAttachDevice(t, dev);
        if (error != Errno.None || t.Machine.Plan.Transfers == 0)
        {
            return;
        }

        // The frame buffer is at the same place of the shared domain as in memory; without a domain it is reached directly.
        var buffer = DmaAgent.BufferOf(dev);
        var domain = await t.Load(Soc.Globals.RkDrmDomain);
        if (!domain.Address.IsNull && await IommuCore.IommuMap(t, domain, buffer, buffer, DmaAgent.PageBytes) != Errno.None)
        {
            return;
        }

        await DmaAgent.TakeOver(t, dev);
        var engine = t.Machine.EngineOf(dev.Number);
        await t.Store(engine.Target, buffer, Marking.Hardware);
        await t.Spawn(DmaAgent.Start(t.Machine, dev));
    }

    /// <summary>Puts a VOP on the display's domain. The display is dead when that is refused.</summary>
    [KernelSource("drivers/gpu/drm/rockchip/rockchip_drm_drv.c", "rockchip_drm_dma_attach_device")]
    private static async Flow<Errno> RockchipDrmDmaAttachDevice(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var domain = await t.Load(Soc.Globals.RkDrmDomain);
        if (domain.Address.IsNull)
        {
            return Errno.None;
        }

        if (t.Machine.SwitchOf("rockchip-drm", "detach-arm-mapping", "after") == "after")
        {
            var mapping = await t.Load(dev.Mapping);
            if (!mapping.Address.IsNull)
            {
                await ArmDmaMapping.ArmIommuDetachDevice(t, dev);
                await ArmDmaMapping.ArmIommuReleaseMapping(t, mapping);
            }
        }

        var error = await IommuCore.IommuAttachDevice(t, domain, dev);
        if (error != Errno.None)
        {
            t.Report(FindingKind.UnexpectedErrno, "iommu_group", error.Name(),
                $"{t.Machine.FactsOf(dev).Name}: __iommu_attach_group answers {error.Name()}, the display is dead", function: "__iommu_attach_group");
        }

        return error;
    }
}
