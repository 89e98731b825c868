using System.Collections.Frozen;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// What Qualcomm's SMMUs do otherwise (Linux: <c>drivers/iommu/arm/arm-smmu/arm-smmu-qcom.c</c>): some masters get an
/// identity domain by default, beside a GPU the context banks are not all alike, and the stream entries that the boot
/// loader set up stay. Left out is the last bank as a stand-in for bypass.
/// </summary>
internal static class ArmSmmuQcom
{
    /// <summary>Masters that want an identity domain, each with a release whose list has it; where the list was not read release by release, the first one read.</summary>
    private static readonly FrozenDictionary<string, KernelRelease> s_identityMasters = new Dictionary<string, KernelRelease>(StringComparer.Ordinal)
    {
        ["qcom,adreno"] = new(5, 9),
        ["qcom,mdp4"] = new(5, 9),
        ["qcom,mdss"] = new(5, 9),
        ["qcom,sc7180-mdss"] = new(5, 9),
        ["qcom,sc7180-mss-pil"] = new(5, 9),
        ["qcom,sdm845-mdss"] = new(5, 9),
        ["qcom,sdm845-mss-pil"] = new(5, 9),
        ["qcom,sc7280-mdss"] = new(5, 15),
        ["qcom,sc7280-mss-pil"] = new(5, 15),
        ["qcom,sc8180x-mdss"] = new(5, 15),
        ["qcom,sm8250-mdss"] = new(6, 0),
        ["qcom,sc8280xp-mdss"] = new(6, 2),
        ["qcom,sm8150-mdss"] = new(6, 2),
        ["qcom,sm6350-mdss"] = new(6, 6),
        ["qcom,sm6375-mdss"] = new(6, 6),
        ["qcom,sdm670-mdss"] = new(6, 7),
        ["qcom,adreno-gmu"] = new(6, 8), // Posted in December 2023, and for stable kernels.
        ["qcom,qcm2290-mdss"] = new(6, 10),
        ["qcom,x1e80100-mdss"] = new(6, 10),
        ["qcom,sar2130p-mdss"] = new(6, 18),
        ["qcom,sm6115-mdss"] = new(6, 18),
        ["qcom,glymur-mdss"] = new(7, 1),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly KernelRelease s_adrenoRules = new(5, 11);
    private static readonly KernelRelease s_keptStreams = new(5, 11);
    private static readonly KernelRelease s_genericCompatible = new(6, 2);

    /// <summary>True when a GPU's rules hold for an SMMU.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="smmu">The SMMU.</param>
    /// <returns>True for <c>qcom,adreno-smmu</c> from v5.11 on.</returns>
    internal static bool IsAdreno(Machine machine, DeviceFacts smmu) =>
        IsQcom(machine, smmu) && smmu.Node.Compatible.Contains("qcom,adreno-smmu") && IsSince(machine, s_adrenoRules);

    /// <summary>Whether what the boot loader let through goes on after the reset.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="smmu">The SMMU.</param>
    /// <returns>True for Qualcomm's from v5.11 on.</returns>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu-qcom.c", "qcom_smmu_cfg_probe")]
    internal static bool KeepsBootStreams(Machine machine, DeviceFacts smmu) => IsQcom(machine, smmu) && IsSince(machine, s_keptStreams);

    /// <summary>Passes through what scan-out or firmware uses before its driver comes, and what must not use up a context bank.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="device">The master.</param>
    /// <returns>Identity, or null when it does not matter.</returns>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu-qcom.c", "qcom_smmu_def_domain_type")]
    internal static DomainType? QcomSmmuDefDomainType(Machine machine, DeviceFacts device)
    {
        if (device.Iommus.IsEmpty || device.Iommus[0].Iommu < 0 || !IsQcom(machine, machine.Devices[device.Iommus[0].Iommu]))
        {
            return null;
        }

        foreach (var name in device.Node.Compatible)
        {
            if (s_identityMasters.TryGetValue(name, out var since) && IsSince(machine, since))
            {
                return DomainType.Identity;
            }
        }

        return null;
    }

    /// <summary>The context banks that a master behind a GPU's SMMU may have: bank 0 is the GPU's alone, because it switches that bank's tables itself.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The master.</param>
    /// <param name="contexts">Number of context banks.</param>
    /// <returns>The first bank, and the one behind the last.</returns>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu-qcom.c", "qcom_adreno_smmu_alloc_context_bank")]
    internal static async Flow<(int Start, int End)> QcomAdrenoSmmuAllocContextBank(KernelThread t, Device dev, int contexts)
    {
        using var frame = t.Call();
        return await QcomAdrenoSmmuIsGpuDevice(t, dev) ? (0, 1) : (1, contexts);
    }

    /// <summary>A GPU is told by stream id 0, whatever the mask.</summary>
    [KernelSource("drivers/iommu/arm/arm-smmu/arm-smmu-qcom.c", "qcom_adreno_smmu_is_gpu_device")]
    private static async Flow<bool> QcomAdrenoSmmuIsGpuDevice(KernelThread t, Device dev)
    {
        var fwspec = await IommuCore.DevIommuFwspecGet(t, dev);
        var count = await t.Load(fwspec.NumIds);
        for (var i = 0; i < count; i++)
        {
            if ((await t.Load(fwspec.Id(i)) & 0xffff) == 0)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsQcom(Machine machine, DeviceFacts smmu) =>
        smmu.Node.Compatible.Any(name =>
            name.StartsWith("qcom,", StringComparison.Ordinal)
            && (name == "qcom,smmu-500" ? IsSince(machine, s_genericCompatible) : name.Contains("-smmu-", StringComparison.Ordinal)));

    private static bool IsSince(Machine machine, KernelRelease release) => machine.Profile.Release.IsSince(release.Major, release.Minor);
}
