using System.Diagnostics;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>
/// The spans of one kernel thread: itself and the functions it is in. It is shown the call stack at each step; a function
/// that takes no step has no span, and two calls in a row of the same one between which there is none share theirs.
/// </summary>
public sealed class ThreadSpans
{
    private readonly Activity? _thread;
    private readonly List<(string Name, Activity? Span)> _open = [];

    /// <summary>Begins the thread's span.</summary>
    /// <param name="name">How reports call the thread.</param>
    /// <param name="soc">The span of its SoC.</param>
    /// <param name="now">When.</param>
    public ThreadSpans(string name, ActivityContext soc, DateTimeOffset now) =>
        _thread = Start($"thread {name}", soc, now)?.SetTag("iommucluster.thread", name);

    /// <summary>Shows the stack at a step.</summary>
    /// <param name="frames">The functions, outermost first.</param>
    /// <param name="now">When.</param>
    public void At(ReadOnlySpan<string> frames, DateTimeOffset now)
    {
        var same = 0;
        while (same < frames.Length && same < _open.Count && _open[same].Name == frames[same])
        {
            same++;
        }

        Close(same, now);
        foreach (var name in frames[same..])
        {
            var parent = _open.Count > 0 ? _open[^1].Span : _thread;
            _open.Add((name, parent is null ? null : Start(Kernel.KernelFunctions.NameOf(name), parent.Context, now)?.SetTag("code.function.name", Kernel.KernelFunctions.NameOf(name))));
        }
    }

    /// <summary>Ends all of its spans.</summary>
    /// <param name="now">When.</param>
    public void End(DateTimeOffset now)
    {
        Close(0, now);
        End(_thread, now);
    }

    private void Close(int count, DateTimeOffset now)
    {
        for (; _open.Count > count; _open.RemoveAt(_open.Count - 1))
        {
            End(_open[^1].Span, now);
        }
    }

    private static Activity? Start(string name, ActivityContext parent, DateTimeOffset now)
    {
        var around = Activity.Current;
        var span = Spans.Source.StartActivity(name, ActivityKind.Internal, parent, startTime: now);
        Activity.Current = around; // Threads take turns: none is the current one of whoever drives them.
        return span;
    }

    private static void End(Activity? span, DateTimeOffset now)
    {
        var around = Activity.Current;
        span?.SetEndTime(now.UtcDateTime);
        span?.Dispose();
        Activity.Current = around;
    }
}
