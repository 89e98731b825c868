using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Scenarios.Tests.Boots;

/// <summary>A SoC with three IOMMU drivers: until v6.8 only one of them could have the bus, plain ones as any.</summary>
public sealed class SecondDriverTests
{
    [Theory]
    [InlineData("linux-5.17", false)]
    [InlineData("linux-5.19", false)]
    [InlineData("linux-6.2", false)]
    [InlineData("linux-6.6", false)]
    [InlineData("linux-6.8", true)]
    [InlineData("linux-6.10", true)]
    public void Rk3588_EveryDriverRegisters_OnlyFromSixEightOn(string profile, bool all)
    {
        var board = BoardCatalog.Locate(Here()).Load("rk3588-armsom-sige7");
        var workload = BootWorkload.Create(new BootPlan { Board = board, Profile = ProfileCatalog.Find(profile)!, Transfers = 0 });
        var runtime = new DeterministicRuntime(workload);
        var strategy = new RandomWalk(1);
        strategy.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Completed, runtime.Run(strategy, 0));
        var iommus = BootCensus.Take(workload.Machine!, runtime.Bank).Where(device => device.IsIommu).ToList();

        Assert.Equal(["arm-smmu-v3", "rk_iommu", "vsi-iommu"], iommus.Select(device => device.Driver).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(
            all ? ["arm-smmu-v3", "rk_iommu", "vsi-iommu"] : ["rk_iommu"],
            iommus.Where(device => device.IsRegistered).Select(device => device.Driver).Distinct().Order(StringComparer.Ordinal));
        Assert.All(iommus, device => Assert.Equal(device.IsRegistered, device.IsBound));
    }

    private static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
