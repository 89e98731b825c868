using System.Collections.Concurrent;
using System.Diagnostics;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Telemetry;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Silo.Hosting;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Telemetry;

public sealed class ClusterInstrumentsTests
{
    [Fact]
    public void Page_Instruments_AreThoseOfTheMeter()
    {
        using var instruments = new ClusterInstruments(TimeProvider.System);
        using var heard = new Heard(instruments.Meter);

        Assert.Equal(TelemetryPage.Of(ClusterInstruments.MeterName).Order(StringComparer.Ordinal), heard.Described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Boot_OnGrains_TellsStepsLocksAndSpans()
    {
        await using var silo = await LocalSilo.StartAsync();
        using var heard = new Heard(silo.Instruments.Meter);
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Spans.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        var boot = await silo.Runner.BootAsync(S21.Synchronous("linux-6.6"), "told");

        Assert.Equal((1, boot.Steps), (heard.Sum("iommucluster.cluster.boots", "iommucluster.schedule.end=completed"), heard.Sum("iommucluster.cluster.steps")));
        Assert.Contains("iommucluster.lock.class=&dev->mutex", heard.AttributesOf("iommucluster.cluster.lock.acquisitions"));
        Assert.Equal(heard.Sum("iommucluster.cluster.lock.acquisitions"), heard.Count("iommucluster.cluster.lock.wait.duration"));
        Assert.Equal(["iommucluster.probe.outcome=bound"], heard.AttributesOf("iommucluster.cluster.probes"));
        var soc = Assert.Single(spans, span => span.OperationName == "soc told");
        var mine = spans.Where(span => span.TraceId == soc.TraceId).ToList();
        var thread = mine.First(span => span.OperationName.StartsWith("thread ", StringComparison.Ordinal));
        Assert.Equal(soc.SpanId, thread.ParentSpanId);
        Assert.Contains(mine, span => span.OperationName == "driver_register" || span.OperationName == "really_probe");
        Assert.InRange(mine.Count, 3, (int)boot.Steps - 1);
    }
}
