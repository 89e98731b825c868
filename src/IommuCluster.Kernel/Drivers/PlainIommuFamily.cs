using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Kernel.Drivers;

/// <summary>A kernel's IOMMU driver whose place <see cref="PlainIommu"/> takes: what it is called and what it serves.</summary>
/// <param name="Driver">The kernel's name of the driver.</param>
/// <param name="Level">When it is registered if built in.</param>
/// <param name="Compatible">What it serves.</param>
internal sealed record PlainIommuFamily(string Driver, InitcallLevel Level, params ImmutableArray<string> Compatible)
{
    /// <summary>True for a driver that asks which addresses firmware reserves (<c>get_resv_regions</c>); the others up to v6.17 map nothing for it.</summary>
    public bool HonoursRegions { get; init; }

    /// <summary>
    /// Every family, named as the kernel's drivers are. What firmware tables describe has no <c>compatible</c>; boards
    /// write the one a tree would have (<c>intel,vt-d</c> and <c>amd,amd-vi</c> are our own).
    /// </summary>
    public static ImmutableArray<PlainIommuFamily> All { get; } =
    [
        new("arm-smmu-v3", InitcallLevel.Device, "arm,smmu-v3") { HonoursRegions = true },
        new("mtk-iommu", InitcallLevel.Device,
            "mediatek,mt2712-m4u", "mediatek,mt6779-m4u", "mediatek,mt6795-m4u", "mediatek,mt8167-m4u", "mediatek,mt8173-m4u", "mediatek,mt8183-m4u",
            "mediatek,mt8192-m4u", "mediatek,mt8365-m4u", "mediatek,mt8186-iommu-mm", "mediatek,mt6893-iommu-mm",
            "mediatek,mt8188-iommu-infra", "mediatek,mt8188-iommu-vdo", "mediatek,mt8188-iommu-vpp",
            "mediatek,mt8195-iommu-infra", "mediatek,mt8195-iommu-vdo", "mediatek,mt8195-iommu-vpp",
            "mediatek,mt8189-iommu-mm", "mediatek,mt8189-iommu-infra", "mediatek,mt8189-iommu-apu"),
        new("exynos-sysmmu", InitcallLevel.Core, "samsung,exynos-sysmmu"),
        new("msm_iommu", InitcallLevel.Device, "qcom,apq8064-iommu"),
        new("qcom-iommu", InitcallLevel.Device, "qcom,msm-iommu-v1", "qcom,msm-iommu-v2"),
        new("omap-iommu", InitcallLevel.Subsys, "ti,omap2-iommu", "ti,omap4-iommu", "ti,dra7-iommu", "ti,dra7-dsp-iommu"),
        new("tegra-mc", InitcallLevel.Core, "nvidia,tegra30-mc", "nvidia,tegra114-mc", "nvidia,tegra124-mc", "nvidia,tegra132-mc", "nvidia,tegra210-mc"),
        new("ipmmu-vmsa", InitcallLevel.Device,
            "renesas,ipmmu-vmsa", "renesas,ipmmu-r8a774a1", "renesas,ipmmu-r8a774b1", "renesas,ipmmu-r8a774c0", "renesas,ipmmu-r8a774e1",
            "renesas,ipmmu-r8a7795", "renesas,ipmmu-r8a7796", "renesas,ipmmu-r8a77961", "renesas,ipmmu-r8a77965", "renesas,ipmmu-r8a77970",
            "renesas,ipmmu-r8a77980", "renesas,ipmmu-r8a77990", "renesas,ipmmu-r8a77995", "renesas,ipmmu-r8a779a0", "renesas,rcar-gen4-ipmmu-vmsa"),
        new("sun50i-iommu", InitcallLevel.Device, "allwinner,sun50i-h6-iommu", "allwinner,sun50i-h616-iommu"),
        new("apple-dart", InitcallLevel.Device, "apple,t8103-dart", "apple,t8103-usb4-dart", "apple,t6000-dart", "apple,t8110-dart") { HonoursRegions = true },
        new("sprd-iommu", InitcallLevel.Device, "sprd,iommu-v1"),
        new("vsi-iommu", InitcallLevel.Device, "verisilicon,iommu-1.2"),
        new("virtio_iommu", InitcallLevel.Device, "virtio,pci-iommu", "virtio,mmio") { HonoursRegions = true },
        new("riscv-iommu", InitcallLevel.Device, "riscv,iommu", "riscv,pci-iommu"),
        new("intel-iommu", InitcallLevel.Core, "intel,vt-d") { HonoursRegions = true },
        new("amd-iommu", InitcallLevel.Core, "amd,amd-vi") { HonoursRegions = true },
    ];

    /// <summary>Whether a node is one that the driver serves.</summary>
    /// <param name="node">The node.</param>
    /// <returns>True when one of its <c>compatible</c> is the driver's.</returns>
    public bool Serves(FirmwareNode node) => node.Compatible.Any(name => Compatible.Contains(name));
}
