using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Grains.Tests.Support;

/// <summary>The fwspec race of November 2023: <c>dev->iommu</c> is freed under <c>of_iommu_configure()</c>.</summary>
internal static class S21
{
    internal static Workload Racing(string profile) => Boot(profile, DriverLoad.Module);

    internal static Workload Synchronous(string profile) => Boot(profile, DriverLoad.BuiltIn);

    private static Workload Boot(string profile, DriverLoad load) => BootWorkload.Create(new BootPlan
    {
        Board = BoardReader.LoadYaml(BoardFile("sc8180x-primus.yaml")),
        Profile = ProfileCatalog.Find(profile)!,
        Masters = ["2c6a000.gmu"],
        Iommus = ["15000000.iommu"],
        Drivers = [Come("arm-smmu", load)],
        Clients = Come("clients", load),
    });

    private static DriverPlan Come(string driver, DriverLoad load) =>
        new(driver, load, ProbeMode.Synchronous, ImmutableSortedDictionary<string, string>.Empty);

    private static string BoardFile(string name, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "scenarios", "boards", name));
}
