namespace IommuCluster.Exploration.Runs;

/// <summary>How far a run is.</summary>
/// <param name="Schedules">Schedules run so far.</param>
/// <param name="Steps">Steps taken so far.</param>
/// <param name="Elapsed">Time so far.</param>
/// <param name="Consequences">Different consequences so far.</param>
/// <param name="Races">Different data races so far.</param>
public readonly record struct ExplorationProgress(long Schedules, long Steps, TimeSpan Elapsed, int Consequences, int Races)
{
    /// <summary>The coverage so far; null for searches.</summary>
    public CoverageFigures? Figures { get; init; }

    /// <summary>Schedules and time of an earlier process that this one goes on from, which tell nothing of its rate.</summary>
    public (long Schedules, TimeSpan Elapsed) Before { get; init; }

    /// <summary>Schedules a second; 0 at the start.</summary>
    public double Rate => Elapsed > Before.Elapsed ? (Schedules - Before.Schedules) / (Elapsed - Before.Elapsed).TotalSeconds : 0;

    /// <summary>The time until the first of its budgets is used up, at this rate.</summary>
    /// <param name="schedules">The budget in schedules, or null.</param>
    /// <param name="time">The budget in time, or null.</param>
    /// <returns>At least zero; null without a budget, or before there is a rate.</returns>
    public TimeSpan? Left(long? schedules, TimeSpan? time)
    {
        var bySchedules = schedules is { } all && Rate > 0 ? TimeSpan.FromSeconds(Math.Min(Math.Max(0, all - Schedules) / Rate, 1e9)) : default(TimeSpan?);
        var byTime = time is { } limit ? limit > Elapsed ? limit - Elapsed : TimeSpan.Zero : default(TimeSpan?);
        return bySchedules is { } one && byTime is { } other ? (one < other ? one : other) : bySchedules ?? byTime;
    }
}
