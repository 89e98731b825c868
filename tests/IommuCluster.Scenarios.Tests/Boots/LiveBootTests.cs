using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;
using IommuCluster.TestKit;

namespace IommuCluster.Scenarios.Tests.Boots;

/// <summary>Real boards whose boot loader left a display running.</summary>
public sealed class LiveBootTests
{
    [Theory]
    [InlineData("rk3328-rock64", "ff370000.vop", true)] // Nothing in its tree says what the display reads.
    [InlineData("exynos7870-j6lte", "14830000.display-controller", true)] // The tree does (iommu-addresses); this driver looks from v6.18 on.
    [InlineData("sc8280xp-lenovo-thinkpad-x13s", "ae00000.display-subsystem", false)] // Kept stream entries, then an identity domain.
    public void Display_LeftRunning_FaultsUnlessTheIommuLeavesItAWay(string name, string display, bool faults)
    {
        var board = Board(name);
        var plan = new BootPlan { Board = board, Profile = ProfileCatalog.Find("linux-6.10")!, Masters = [display], BootDma = [display], Transfers = 1 };

        var seen = Explore.With(new RandomWalk(1), BootWorkload.Create(plan), limit: 200);

        Assert.Equal(faults, seen.Saw(FindingKind.ContextFault));
        Assert.Equal(faults ? 1 : 0, seen.Consequences.Count());
    }

    [Theory]
    [InlineData("juno-r2")]
    [InlineData("sm8550-qrd")]
    [InlineData("qemu-virt-smmuv3")]
    [InlineData("qemu-q35-vtd")]
    public void Coherency_OfEveryBoundMaster_IsWhatFirmwareSays(string name)
    {
        var board = Board(name);
        var workload = BootWorkload.Create(new BootPlan { Board = board, Profile = ProfileCatalog.Find("linux-6.10")!, Transfers = 0 });
        var (runtime, end) = Explore.Once(new RandomWalk(1), workload);
        Assert.Equal(ScheduleEnd.Completed, end);
        var masters = BootCensus.Take(workload.Machine!, runtime.Bank).Where(device => device is { IsMaster: true, IsBound: true }).ToList();

        Assert.NotEmpty(masters);
        Assert.All(masters, master => Assert.Equal(Said(board, master.Path), master.IsCoherent));
    }

    /// <summary>What the device's node or, for a function that is not in the tree, its host says; or else the architecture.</summary>
    private static bool Said(Board board, string path) =>
        board.Nodes.FirstOrDefault(node => path == node.Path || path.StartsWith(node.Path + "/0", StringComparison.Ordinal))?.DmaCoherent ?? board.Architecture == Architecture.X86;

    private static Board Board(string name, [CallerFilePath] string here = "") => BoardCatalog.Locate(Path.GetDirectoryName(here)!).Load(name);
}
