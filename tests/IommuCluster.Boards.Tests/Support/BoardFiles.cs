using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>
/// Where the tests find boards: the shipped ones always, real device trees where somebody has them: in the directory that
/// IOMMUCLUSTER_DTB_DIR names, or in <c>data/dtb</c> of one beside the repository. Without them every test runs on the shipped boards.
/// </summary>
internal static class BoardFiles
{
    internal static string Root { get; } = FindRoot();

    internal static string ShippedDirectory => Path.Combine(Root, "scenarios", "boards");

    /// <summary>The names of the boards that ship with the project.</summary>
    internal static IReadOnlyList<string> Shipped { get; } =
    [
        "apq8016-sbc", "dra7-evm", "exynos5250-snow", "exynos7870-j6lte", "fsl-ls1088a-rdb", "juno-r2", "mt7623n-bananapi-bpi-r2", "mt8173-elm",
        "qcom-apq8064-ifc6410", "qemu-q35-amd-vi", "qemu-q35-virtio-iommu", "qemu-q35-vtd", "qemu-virt-smmuv3", "qemu-virt-virtio-iommu", "r8a774a1-hihope-rzg2m", "rk3288-firefly", "rk3328-rock64", "rk3588-armsom-sige7", "sc8180x-primus",
        "sc8280xp-lenovo-thinkpad-x13s", "sm8550-qrd", "sun50i-h6-pine-h64", "t8103-j274", "tegra124-jetson-tk1",
    ];

    /// <summary>Where real device trees may be; real ACPI tables are in <c>acpi</c> beside it.</summary>
    internal static string TreeDirectory { get; } = Environment.GetEnvironmentVariable("IOMMUCLUSTER_DTB_DIR") ?? BesideTheRepository() ?? Path.Combine(Root, "data", "dtb");

    /// <summary>Real device trees by board name; empty where nobody has them.</summary>
    internal static IReadOnlyDictionary<string, string> Real { get; } = FindReal();

    /// <summary>A board from its real device tree where there is one, else the shipped one.</summary>
    internal static Board Load(string name) =>
        Real.TryGetValue(name, out var path) ? BoardReader.LoadDtb(path) : BoardReader.LoadYaml(ShippedPath(name));

    internal static string ShippedPath(string name) => Path.Combine(ShippedDirectory, name + ".yaml");

    internal static bool Has(string name) => Real.ContainsKey(name) || Shipped.Contains(name);

    private static SortedDictionary<string, string> FindReal()
    {
        var files = Directory.Exists(TreeDirectory) ? Directory.EnumerateFiles(TreeDirectory, "*.dtb", SearchOption.AllDirectories) : [];
        return new SortedDictionary<string, string>(
            files.DistinctBy(Path.GetFileNameWithoutExtension).ToDictionary(path => Path.GetFileNameWithoutExtension(path), path => path), StringComparer.Ordinal);
    }

    private static string? BesideTheRepository() =>
        Directory.EnumerateDirectories(Path.GetDirectoryName(Root)!).Select(directory => Path.Combine(directory, "data", "dtb")).Order(StringComparer.Ordinal).FirstOrDefault(Directory.Exists);

    private static string FindRoot()
    {
        var at = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(at, "Directory.Packages.props")))
        {
            at = Path.GetDirectoryName(at) ?? throw new InvalidOperationException("no Directory.Packages.props above the tests");
        }

        return at;
    }
}
