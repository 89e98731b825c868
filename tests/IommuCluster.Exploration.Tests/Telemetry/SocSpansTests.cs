using System.Collections.Concurrent;
using System.Diagnostics;
using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Telemetry;

namespace IommuCluster.Exploration.Tests.Telemetry;

public sealed class SocSpansTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void Write_StepsOfTwoThreads_DrawsThreadsAndTheirFunctions()
    {
        var spans = Write(
            Step(0, 1, "a", "outer"),
            Step(1, 1, "a", "outer", "inner"),
            Step(2, 2, "b", "probe"),
            Step(3, 1, "a", "outer"),
            Step(4, 2, "b", "probe"));

        Assert.Equal(
            [
                "soc test 0-5 under (root)",
                "thread a 0-4 under soc test",
                "  outer 0-4 under thread a",
                "  inner 1-3 under outer",
                "thread b 2-5 under soc test",
                "  probe 2-5 under thread b",
            ],
            spans);
    }

    [Fact]
    public void Write_NobodyListens_DoesNothing()
    {
        Assert.False(Spans.Source.HasListeners());

        SocSpans.Write([Step(0, 1, "a", "f")], "test", s_now);

        Assert.Null(Activity.Current);
    }

    private static string[] Write(params ReportStep[] steps)
    {
        var all = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Spans.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = all.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        SocSpans.Write([.. steps], "test", s_now);
        var byId = all.ToDictionary(span => span.SpanId);
        return [.. from span in all
                   let begin = StepOf(span.StartTimeUtc)
                   let parent = byId.TryGetValue(span.ParentSpanId, out var found) ? found.OperationName : "(root)"
                   let text = $"{span.OperationName} {begin}-{StepOf(span.StartTimeUtc + span.Duration)} under {parent}"
                   orderby (parent == "(root)", begin) switch { (true, _) => -1, var (_, step) => step }, Depth(span, byId)
                   select span.OperationName.Contains(' ', StringComparison.Ordinal) ? text : "  " + text];
    }

    private static int Depth(Activity span, Dictionary<ActivitySpanId, Activity> byId) =>
        byId.TryGetValue(span.ParentSpanId, out var parent) ? 1 + Depth(parent, byId) : 0;

    private static long StepOf(DateTime time) => (time - s_now.UtcDateTime).Ticks / TimeSpan.TicksPerMicrosecond;

    private static ReportStep Step(int number, int thread, string name, params string[] frames) =>
        new(number, thread, name, [.. frames], string.Empty, string.Empty, Matters: true);
}
