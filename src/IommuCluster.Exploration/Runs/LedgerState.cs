using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runs;

/// <summary>What a campaign has seen so far, as data.</summary>
public sealed record LedgerState
{
    /// <summary>Schedules run.</summary>
    public long Schedules { get; init; }

    /// <summary>Schedules given up.</summary>
    public long Abandoned { get; init; }

    /// <summary>Steps taken.</summary>
    public long Steps { get; init; }

    /// <summary>The most choices that a schedule had.</summary>
    public int MostChoices { get; init; }

    /// <summary>The schedule after the last one that showed something new; 0 when none did.</summary>
    public long LastNews { get; init; }

    /// <summary>A bit for each profile switch that a flow asked for (<see cref="Kernel.Profiles.ProfileSwitches"/>).</summary>
    public ulong Switches { get; init; }

    /// <summary>One entry a finding, in the order of merging.</summary>
    public ImmutableArray<SeenFinding> Findings { get; init; } = [];

    /// <summary>The lock graph's edges, in the order of merging.</summary>
    public ImmutableArray<LockEdge> LockEdges { get; init; } = [];

    /// <summary>The schedules that made them, by number.</summary>
    public ImmutableArray<NumberedSchedule> EdgeMakers { get; init; } = [];

    /// <summary>Racing pairs in the orders in which they were met, in the order of merging.</summary>
    public ImmutableArray<RaceOrderSeen> RaceOrders { get; init; } = [];

    /// <summary>Pairs of accesses without a lock in common that no schedule has met as a race: hints (<see cref="LocksetPairs"/>), one a pair, in the order of merging.</summary>
    public ImmutableArray<RaceOrder> Hints { get; init; } = [];

    /// <summary>Racing pairs that are to be met in the other order, those met first first.</summary>
    public ImmutableArray<PendingFlip> Pending { get; init; } = [];
}

/// <summary>Coverage in terms of what the kernel does.</summary>
/// <param name="RacingPairs">Pairs of accesses that race, by function, verb and field.</param>
/// <param name="InBothOrders">Those of them that were met in both orders.</param>
/// <param name="LockOrderPairs">Pairs of lock classes of which one was taken while the other one was held.</param>
/// <param name="LastNews">The schedule after the last one that added to this or showed a new finding; 0 when none did.</param>
public readonly record struct CoverageFigures(int RacingPairs, int InBothOrders, int LockOrderPairs, long LastNews);
