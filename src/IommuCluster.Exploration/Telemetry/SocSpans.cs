using System.Collections.Immutable;
using System.Diagnostics;
using IommuCluster.Exploration.Reports;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>
/// The spans of a schedule whose steps are told: one that is replayed, or that shows a finding. Time is virtual, a
/// microsecond a step from the moment of the telling, so that a viewer of traces draws the interleaving.
/// </summary>
public static class SocSpans
{
    /// <summary>Writes the spans, when somebody listens.</summary>
    /// <param name="steps">The steps in order.</param>
    /// <param name="name">What the schedule is, for people.</param>
    /// <param name="now">When it is told.</param>
    public static void Write(ImmutableArray<ReportStep> steps, string name, DateTimeOffset now)
    {
        var around = Activity.Current;
        using var soc = Spans.Source.StartActivity($"soc {name}", ActivityKind.Internal, around?.Context ?? default, startTime: now);
        if (soc is not null)
        {
            soc.SetTag("iommucluster.steps", steps.Length);
            WriteThreads(steps, soc.Context, now);
            soc.SetEndTime(After(now, steps.Length).UtcDateTime);
        }
    }

    private static void WriteThreads(ImmutableArray<ReportStep> steps, ActivityContext soc, DateTimeOffset now)
    {
        var threads = new Dictionary<int, ThreadSpans>();
        var last = new Dictionary<int, DateTimeOffset>();
        for (var number = 0; number < steps.Length; number++)
        {
            var step = steps[number];
            if (!threads.TryGetValue(step.ThreadId, out var spans))
            {
                threads.Add(step.ThreadId, spans = new ThreadSpans(step.ThreadName, soc, After(now, number)));
            }

            spans.At(step.Frames.AsSpan(), After(now, number));
            last[step.ThreadId] = After(now, number + 1);
        }

        foreach (var (id, spans) in threads)
        {
            spans.End(last[id]);
        }
    }

    private static DateTimeOffset After(DateTimeOffset now, int steps) => now.AddTicks(steps * TimeSpan.TicksPerMicrosecond);
}
