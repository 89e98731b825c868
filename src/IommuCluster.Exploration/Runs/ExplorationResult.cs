using System.Collections.Immutable;

namespace IommuCluster.Exploration.Runs;

/// <summary>What the silence of a run is worth.</summary>
public enum Coverage
{
    /// <summary>Everything that can happen within the workload's bounds was seen.</summary>
    Exhausted,

    /// <summary>Everything with at most so many preemptions was seen.</summary>
    ExhaustedToContextBound,

    /// <summary>The asked budget was used up: a sample.</summary>
    BudgetDone,

    /// <summary>A sample that was ended because it had shown nothing new for as long as was asked.</summary>
    Saturated,

    /// <summary>The run was ended before that: by its stop condition or from outside.</summary>
    StoppedEarly,
}

/// <summary>What a run saw.</summary>
/// <param name="Strategy">Name of the strategy.</param>
/// <param name="Coverage">What its silence is worth.</param>
/// <param name="Schedules">Schedules run, those given up among them.</param>
/// <param name="Abandoned">Schedules that the strategy gave up because what follows was known.</param>
/// <param name="Steps">Steps taken.</param>
/// <param name="Elapsed">Time taken.</param>
/// <param name="Consequences">What went wrong, in the order of first sight.</param>
/// <param name="Races">Data races, in the order of first sight.</param>
public sealed record ExplorationResult(
    string Strategy,
    Coverage Coverage,
    long Schedules,
    long Abandoned,
    long Steps,
    TimeSpan Elapsed,
    ImmutableArray<ObservedFinding> Consequences,
    ImmutableArray<ObservedFinding> Races)
{
    /// <summary>Different states with a choice that a search visited; null for other strategies.</summary>
    public long? States { get; init; }

    /// <summary>Preemptions that a search allowed, as whoever made it says; null for all.</summary>
    public int? ContextBound { get; init; }

    /// <summary>True when nobody ever had a choice, so that there is one schedule only.</summary>
    public bool IsOnlySchedule { get; init; }

    /// <summary>How much of what can happen was met; null for searches, whose coverage is what they exhaust.</summary>
    public CoverageFigures? Figures { get; init; }

    /// <summary>True when the run was cancelled from outside.</summary>
    public bool IsCancelled { get; init; }

    /// <summary>Consequences and races.</summary>
    public IEnumerable<ObservedFinding> All => Consequences.Concat(Races);
}
