using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Telemetry;
using IommuCluster.Silo.Tests.Support;
using IommuCluster.TestKit;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>What arrives by OTLP is what the page of documentation says.</summary>
[Collection(RunCluster.Collection)]
public sealed class OtlpTests
{
    [Fact]
    public async Task Run_InOneProcess_SendsTheDocumentedInstrumentsAndSpans()
    {
        await using var receiver = new OtlpReceiver();

        var (code, _) = await CliProcess.RunAsync(receiver.Environment, "run", "qemu-virt-smmuv3");

        Assert.Equal(0, code);
        var seen = receiver.InstrumentsOf(ExplorationInstruments.MeterName);
        Assert.Subset(TelemetryPage.Of(ExplorationInstruments.MeterName).ToHashSet(), seen.ToHashSet());
        Assert.Superset(new HashSet<string> { "iommucluster.schedules counter {schedule}", "iommucluster.steps counter {step}", "iommucluster.probes counter {device}" }, seen.ToHashSet());
        Assert.Contains("scenario qemu-virt-smmuv3/boot", receiver.Spans());
    }

    [Fact]
    public async Task Stress_OnSilos_SendsTheDocumentedInstrumentsAndSpansDownToFunctions()
    {
        await using var receiver = new OtlpReceiver();

        var (code, _) = await CliProcess.RunAsync(receiver.Environment, "stress", "s21-fwspec-race", "--case", "fix", "--socs", "4", "--silos", "1");

        Assert.Equal(0, code);
        var seen = receiver.InstrumentsOf(ClusterInstruments.MeterName);
        Assert.Subset(TelemetryPage.Of(ClusterInstruments.MeterName).ToHashSet(), seen.ToHashSet());
        Assert.Superset(new HashSet<string> { "iommucluster.cluster.boots counter {boot}", "iommucluster.cluster.probes counter {device}", "iommucluster.cluster.lock.wait.duration histogram s" }, seen.ToHashSet());
        Assert.Contains("Microsoft.Orleans", receiver.Meters());
        Assert.Equal(4, receiver.Spans().Count(name => name.StartsWith("soc ", StringComparison.Ordinal)));
        Assert.Contains("really_probe", receiver.Spans());
    }
}
