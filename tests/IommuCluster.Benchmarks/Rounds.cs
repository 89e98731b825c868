using System.Diagnostics;

namespace IommuCluster.Benchmarks;

/// <summary>What one round did.</summary>
/// <param name="Schedules">Schedules run.</param>
/// <param name="Steps">Steps taken.</param>
internal readonly record struct Work(long Schedules, long Steps);

/// <summary>One thing to measure.</summary>
/// <param name="Name">How the table calls it.</param>
/// <param name="Round">Does one round of work.</param>
internal sealed record Measured(string Name, Func<Work> Round);

/// <summary>The median of what a thing did in its rounds.</summary>
/// <param name="Name">How the table calls it.</param>
/// <param name="SchedulesPerSecond">Schedules a second.</param>
/// <param name="StepsPerSecond">Steps a second.</param>
/// <param name="BytesPerSchedule">Bytes allocated a schedule.</param>
internal readonly record struct Rate(string Name, double SchedulesPerSecond, double StepsPerSecond, double BytesPerSchedule);

/// <summary>Measures things in turn, round by round, so that a noisy machine is noisy to all of them alike.</summary>
internal static class Rounds
{
    private const int Count = 5;

    /// <summary>Measures.</summary>
    /// <param name="things">What to measure.</param>
    /// <returns>The medians, in the same order.</returns>
    public static IReadOnlyList<Rate> Run(IReadOnlyList<Measured> things)
    {
        foreach (var thing in things)
        {
            thing.Round(); // Tiered compilation gets what it wants to see.
            thing.Round();
        }

        var rates = things.Select(_ => new List<Rate>()).ToList();
        for (var round = 0; round < Count; round++)
        {
            for (var i = 0; i < things.Count; i++)
            {
                rates[i].Add(RunOnce(things[i]));
            }
        }

        return [.. rates.Select(Median)];
    }

    private static Rate RunOnce(Measured thing)
    {
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        var work = thing.Round();
        var seconds = watch.Elapsed.TotalSeconds;
        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        return new Rate(thing.Name, work.Schedules / seconds, work.Steps / seconds, (double)bytes / work.Schedules);
    }

    private static Rate Median(List<Rate> rates) => rates.OrderBy(rate => rate.StepsPerSecond).ElementAt(rates.Count / 2);
}
