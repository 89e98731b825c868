using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Runs;

/// <summary>How long a run explores and how it watches. A run with neither limit ends when its strategy has nothing left.</summary>
public sealed record ExplorationOptions
{
    /// <summary>How each schedule is watched.</summary>
    public RuntimeOptions Runtime { get; init; } = new();

    /// <summary>The budget in schedules, at least 1; null for none.</summary>
    public long? Schedules { get; init; }

    /// <summary>The budget in time; null for none.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>Asked after each schedule that showed something new: true ends the run; null never does.</summary>
    public Func<ObservedFinding, bool>? StopAt { get; init; }

    /// <summary>Called now and then, and once at the end; null for nobody.</summary>
    public Action<ExplorationProgress>? Progress { get; init; }

    /// <summary>The least time between two calls of <see cref="Progress"/>.</summary>
    public TimeSpan ProgressInterval { get; init; } = TimeSpan.FromMilliseconds(100);
}
