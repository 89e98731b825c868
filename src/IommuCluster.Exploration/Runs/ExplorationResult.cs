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

    /// <summary>Up to so many preemptions a search has seen everything; null when there is no such bound, or none that was needed. Holds for a run that was ended before its search, too.</summary>
    public int? ContextBound { get; init; }

    /// <summary>True when a search told some states apart by a few bits only: what a collision hid was not seen.</summary>
    public bool IsApproximate { get; init; }

    /// <summary>How much of its tree a search had done, 0 to 1: an estimate (<see cref="Strategies.ISearch.Progress"/>); null for other strategies, and where nobody knows.</summary>
    public double? Progress { get; init; }

    /// <summary>True when nobody ever had a choice, so that there is one schedule only.</summary>
    public bool IsOnlySchedule { get; init; }

    /// <summary>How much of what can happen was met; null for searches, whose coverage is what they exhaust.</summary>
    public CoverageFigures? Figures { get; init; }

    /// <summary>A bit for each profile switch that a flow asked for (<see cref="Kernel.Profiles.ProfileSwitches"/>): the others had no part in what was seen. 0 where nobody took note.</summary>
    public ulong Switches { get; init; }

    /// <summary>Pairs of accesses without a lock in common that no schedule has met as a race: hints. None for searches, which meet what there is.</summary>
    public ImmutableArray<RaceOrder> Hints { get; init; } = [];

    /// <summary>True when the run was cancelled from outside.</summary>
    public bool IsCancelled { get; init; }

    /// <summary>Consequences and races.</summary>
    public IEnumerable<ObservedFinding> All => Consequences.Concat(Races);
}
