using System.Collections.Frozen;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Tells the architecture from the CPU nodes. <c>#address-cells</c> of <c>/cpus</c> is not enough (many 64-bit trees
/// say 1), nor is <c>enable-method = "psci"</c> (both have it). The rule, first answer wins:
/// <list type="number">
/// <item>a CPU's <c>compatible</c>: the 32-bit cores are a closed list; a core of a 64-bit family is 64 bit;</item>
/// <item>the architected timer's node: <c>arm,armv8-timer</c> is 64 bit, <c>arm,armv7-timer</c> is 32 bit;</item>
/// <item><c>enable-method</c> of a CPU: <c>spin-table</c> is 64 bit;</item>
/// <item><c>#address-cells</c> of <c>/cpus</c>: 2 is 64 bit.</item>
/// </list>
/// Cortex-A32 has 64-bit registers nowhere and counts as 32 bit. A 64-bit core that runs a 32-bit kernel is told as 64 bit.
/// </summary>
internal static class DtbArchitecture
{
    private static readonly FrozenSet<string> s_cores32 = FrozenSet.Create(
        StringComparer.Ordinal,
        "arm,cortex-a5", "arm,cortex-a7", "arm,cortex-a8", "arm,cortex-a9", "arm,cortex-a12", "arm,cortex-a15", "arm,cortex-a17", "arm,cortex-a32",
        "arm,arm9", "brcm,brahma-b15", "faraday,fa526", "intel,sa110", "intel,sa1100", "nvidia,tegra20-cpu", "qcom,krait", "qcom,scorpion",
        "ti,omap3630-cpu");

    private static readonly string[] s_families32 =
        ["arm,arm7", "arm,arm8", "arm,arm9", "arm,arm10", "arm,arm11", "arm,cortex-r4", "arm,cortex-r5", "arm,cortex-m", "marvell,"];

    private static readonly string[] s_families64 =
    [
        "arm,cortex-a", "arm,cortex-x", "arm,neoverse-", "arm,armv8", "arm,c1-", "arm,rainier", "apple,", "apm,", "ampere,", "brcm,brahma-b53", "brcm,vulcan",
        "cavium,", "fujitsu,", "hisilicon,tsv", "nvidia,tegra132-denver", "nvidia,tegra186-denver", "nvidia,carmel", "nvidia,olympus", "phytium,", "qcom,falkor",
        "qcom,kryo", "qcom,oryon", "samsung,mongoose",
    ];

    private static readonly string[] s_familiesX86 = ["intel,", "amd,", "x86"];

    private static readonly string[] s_foreign = ["riscv", "sifive,", "thead,", "spacemit,", "PowerPC", "fsl,e", "mips", "ingenic,", "loongson,"];

    /// <summary>The board's architecture; an error is added to the bag, and 64-bit Arm answered, when nothing tells it.</summary>
    internal static Architecture Read(DtbTree tree, DiagnosticBag bag)
    {
        var cpus = tree.Root.Children.Find(node => node.Name is "cpus");
        var cores = cpus?.Children.FindAll(node => node.BaseName is "cpu" || node.Find("device_type")?.Text() is "cpu") ?? [];
        var names = cores.SelectMany(core => core.Compatible()).ToList();
        if ((FromCores(names) ?? FromTimer(tree) ?? FromEnableMethod(cores)) is { } known)
        {
            return known;
        }

        if (cpus is null || cores.Count == 0 || names.Exists(name => StartsWithAny(name, s_foreign)))
        {
            bag.Error(
                names.Count == 0 ? "no CPU node tells the architecture" : $"CPUs of type {names[0]} are not modelled",
                "boards are 32-bit Arm, 64-bit Arm or x86: give the tree of one, with its /cpus", cpus?.Offset ?? 0);
        }

        return cpus?.Cell("#address-cells") == 1 ? Architecture.Arm : Architecture.Arm64;
    }

    private static Architecture? FromCores(List<string> names)
    {
        foreach (var name in names)
        {
            if (StartsWithAny(name, s_familiesX86) && !s_cores32.Contains(name))
            {
                return Architecture.X86;
            }

            if (s_cores32.Contains(name) || StartsWithAny(name, s_families32))
            {
                return Architecture.Arm;
            }

            if (StartsWithAny(name, s_families64))
            {
                return Architecture.Arm64;
            }
        }

        return null;
    }

    private static Architecture? FromTimer(DtbTree tree)
    {
        var timers = tree.Nodes.SelectMany(node => node.BaseName is "timer" ? node.Compatible() : []).ToHashSet(StringComparer.Ordinal);
        return timers.Contains("arm,armv8-timer") ? Architecture.Arm64
            : timers.Contains("arm,armv7-timer") ? Architecture.Arm
            : null;
    }

    private static Architecture? FromEnableMethod(List<DtbNode> cores) =>
        cores.Exists(core => core.Find("enable-method")?.Text() is "spin-table") ? Architecture.Arm64 : null;

    private static bool StartsWithAny(string name, string[] prefixes) =>
        Array.Exists(prefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal));
}
