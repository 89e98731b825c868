using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Tests.Boots;

/// <summary>What is behind PCI hosts: named by the scenario, found by the host's scan, translated through its map.</summary>
public sealed class PciFunctionTests
{
    private const string Head = """
        title: functions
        board: sc8180x-primus
        transfers: 1
        cases:
          only:
            profile: linux-6.10
            expect: clean

        """;

    [Fact]
    public void Functions_NamedByTheScenario_AreThereAndTranslated()
    {
        var census = Census(Read(Head + "    masters: [1c10000.pcie]\n    pci-functions: { 1c10000.pcie: [0x0, 0x100, 0x200] }\n"));

        Assert.Equal(
            ["0000:00:00.0 True dma", "0000:01:00.0 True dma", "0000:02:00.0 True "], // The map has ids 0x0 and 0x100.
            census.Where(device => device.Driver == "pci-endpoint").Select(device => $"{device.Name} {device.IsBound} {device.Domain}"));
    }

    [Fact]
    public void Masters_MayNameAFunction_WhichBringsItsHost()
    {
        var census = Census(Read(Head + "    masters: [0000:00:00.0]\n"));

        Assert.Equal(["1c10000.pcie", "0000:00:00.0"], census.Where(device => device.IsMaster).Select(device => device.Name));
    }

    [Fact]
    public void Host_WithoutDriver_LeavesItsFunctionsUnknown()
    {
        var census = Census(Read(Head + "    masters: [1c10000.pcie]\n    drivers: { \"qcom,pcie-sc8180x\": { load: absent } }\n"));

        Assert.Equal("its host 1c10000.pcie is not bound", Assert.Single(census, device => device.Driver == "pci-endpoint").Reason);
    }

    [Theory]
    [InlineData("    pci-functions: { 1c10001.pcie: [0x0] }\n", "no enabled PCI host with an iommu-map called '1c10001.pcie'")]
    [InlineData("    pci-functions: { 1c10000.pcie: [0x10000] }\n", "'0x10000' is no number from 0 to 0xffff")]
    [InlineData("    masters: [0000:07:00.0]\n", "no master '0000:07:00.0'")]
    public void Mistakes_AreToldWithTheirPlace(string text, string message) =>
        Assert.Contains(message, Assert.Throws<ScenarioException>(() => Read(Head + text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Digest_OfAnotherSetOfFunctions_IsAnother() =>
        Assert.NotEqual(
            ScenarioToken.DigestOf(Read(Head + "    pci-functions: { 1c10000.pcie: [0x0] }\n")),
            ScenarioToken.DigestOf(Read(Head + "    pci-functions: { 1c10000.pcie: [0x100] }\n")));

    [Fact]
    public void Plan_OfTooManyThreads_IsRefusedInWords()
    {
        var functions = Head + $"    pci-functions: {{ 1c10000.pcie: [{string.Join(", ", Enumerable.Range(0, 64))}] }}\n";
        Assert.Contains("more than 64 threads", Assert.Throws<ScenarioException>(() => Read(functions)).Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<DeviceStanding> Census(ScenarioCase scenarioCase)
    {
        var workload = BootWorkload.Create(scenarioCase.Plan);
        var runtime = new DeterministicRuntime(workload);
        var strategy = new RandomWalk(1);
        strategy.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Completed, runtime.Run(strategy, 0));
        return BootCensus.Take(workload.Machine!, runtime.Bank);
    }

    private static ScenarioCase Read(string text, [CallerFilePath] string here = "") =>
        ScenarioReader.Read(text, "functions.yaml", "functions", BoardCatalog.Locate(here)).Cases[0];
}
