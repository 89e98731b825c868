using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Drivers;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Boots;

/// <summary>Every board that ships boots to the end: every IOMMU registered, every master bound or with a reason.</summary>
public sealed class ShippedBootTests
{
    public static TheoryData<string> Files => [.. Paths];

    private static IEnumerable<string> Paths => Directory.EnumerateFiles(Path.Combine(Catalog().Directory!, "boots"), "*.yaml").Order(StringComparer.Ordinal);

    [Fact]
    public void Boots_AreOneForEveryBoard() =>
        Assert.Equal(
            new BoardCatalog(Path.Combine(Catalog().Directory!, "boards")).List().Select(entry => entry.Name).ToArray(),
            Paths.Select(path => Path.GetFileNameWithoutExtension(path)).ToArray());

    [Theory]
    [MemberData(nameof(Files))]
    public void Run_ShippedBoot_IsAsExpected(string file)
    {
        foreach (var scenarioCase in Catalog().Load(file).Cases)
        {
            var result = new CaseRunner(TimeProvider.System).Run(scenarioCase);

            Assert.True(result.Verdict.Outcome == Outcome.AsExpected, string.Join('\n', result.Verdict.Reasons));
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void AtRest_ShippedBoot_EveryIommuIsRegisteredAndEveryMasterBound(string file)
    {
        var plan = Catalog().Load(file).Cases[0].Plan;
        var census = Census(plan);

        Assert.Empty(census.Where(device => device is { IsIommu: true, IsRegistered: false }).Select(device => $"{device.Name}: {device.Reason}"));
        Assert.Empty(census.Where(device => device is { IsMaster: true, IsBound: false }).Select(device => $"{device.Name}: {device.Reason}"));
        Assert.Equal(
            plan.Board.Nodes.Where(node => node.Enabled && (node.IommuCells is not null || !node.Iommus.IsEmpty || !node.IommuMap.IsEmpty)).Select(node => node.Path).Except(census.Select(device => device.Path)),
            []);

        // Whoever has a specifier to an IOMMU that is there has a domain. mtk_iommu_v1 parses its masters' specifiers
        // itself, so that from v6.8 on, when only devices with an fwspec are offered to a driver, nobody reaches it.
        var enabled = plan.Board.Nodes.Where(node => node is { IommuCells: not null, Enabled: true } && IommuDrivers.ModelOf(node)?.Driver != "mtk-iommu-v1").Select(node => node.Path).ToHashSet();
        var translated = plan.Board.Nodes.Where(node => node.Enabled && node.Iommus.Any(specifier => enabled.Contains(specifier.Iommu))).Select(node => node.Path).ToHashSet();
        Assert.Empty(census.Where(device => translated.Contains(device.Path) && device.Domain is null).Select(device => device.Name));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void AtRest_ShippedBoot_EveryPciHostHasItsFunction(string file)
    {
        var plan = Catalog().Load(file).Cases[0].Plan;
        var census = Census(plan);

        foreach (var host in PciFunctions.HostsOf(plan.Board).Where(host => IommuMap.FirstMappedId(host) is not null))
        {
            var function = Assert.Single(census, device => device.Path.StartsWith(host.Path + "/0", StringComparison.Ordinal));
            Assert.Equal(("dma", true), (function.Domain, function.IsBound));
        }
    }

    private static IReadOnlyList<DeviceStanding> Census(BootPlan plan)
    {
        var workload = BootWorkload.Create(plan);
        var runtime = new DeterministicRuntime(workload, new RuntimeOptions { Checkers = false });
        var strategy = new RandomWalk(1);
        strategy.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Completed, runtime.Run(strategy, 0));
        return BootCensus.Take(workload.Machine!, runtime.Bank);
    }

    private static ScenarioCatalog Catalog([CallerFilePath] string here = "") => ScenarioCatalog.Locate(Path.GetDirectoryName(here)!);
}
