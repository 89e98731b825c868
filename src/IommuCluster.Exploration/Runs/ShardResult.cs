using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runs;

/// <summary>What a shard saw. Data only.</summary>
public sealed record ShardResult
{
    /// <summary>Number of the shard's round.</summary>
    public required int Round { get; init; }

    /// <summary>The shard's place in the round.</summary>
    public required int Index { get; init; }

    /// <summary>Schedules run: as many as the shard asks for, or fewer when it was stopped or there are no more.</summary>
    public required int Schedules { get; init; }

    /// <summary>Schedules that the strategy gave up.</summary>
    public required int Abandoned { get; init; }

    /// <summary>Steps taken.</summary>
    public required long Steps { get; init; }

    /// <summary>The most choices that a schedule had; 0 when nobody ever has a choice, so that there is one schedule only.</summary>
    public required int MostChoices { get; init; }

    /// <summary>A bit for each profile switch that a flow asked for (<see cref="Kernel.Profiles.ProfileSwitches"/>).</summary>
    public ulong Switches { get; init; }

    /// <summary>What was seen, in the order of first sight, but for lock orders: those follow from the edges.</summary>
    public required ImmutableArray<SeenFinding> Findings { get; init; }

    /// <summary>The edges of the lock graph in the order of their making, those of the boot first.</summary>
    public required ImmutableArray<LockEdge> LockEdges { get; init; }

    /// <summary>The schedules that made the edges.</summary>
    public required ImmutableArray<NumberedSchedule> EdgeMakers { get; init; }

    /// <summary>Racing pairs in the orders in which they were met, each with the first schedule that did.</summary>
    public required ImmutableArray<RaceOrderSeen> RaceOrders { get; init; }

    /// <summary>What is left of the search or its part, as the search itself wrote it; empty for samplers, and where the worker keeps it.</summary>
    public ReadOnlyMemory<byte> Search { get; init; }

    /// <summary>True when nothing is left of the search or its part.</summary>
    public bool IsExhausted { get; init; }

    /// <summary>How far a search of one mind is; null for others.</summary>
    public SearchReach? Reach { get; init; }

    /// <summary>Pairs of accesses without a lock in common that no schedule has met as a race: hints (<see cref="LocksetPairs"/>), one a pair, in the order of sight.</summary>
    public ImmutableArray<RaceOrder> Hints { get; init; } = [];

    /// <summary>Tells whether the shard was run to its end.</summary>
    /// <param name="shard">The shard.</param>
    /// <returns>False when it was stopped before.</returns>
    public bool IsWhole(Shard shard) => IsExhausted || Schedules == shard.Schedules || this is { Schedules: 1, MostChoices: 0 };

    /// <summary>The same result with other numbers for its schedules.</summary>
    /// <param name="by">What to add to them.</param>
    /// <returns>The result.</returns>
    internal ShardResult Renumbered(long by) => by == 0 ? this : this with
    {
        Findings = [.. Findings.Select(seen => seen.AtBoot ? seen : seen with { First = seen.First + by })],
        LockEdges = [.. LockEdges.Select(edge => edge.Schedule < 0 ? edge : edge with { Schedule = edge.Schedule + by })],
        EdgeMakers = [.. EdgeMakers.Select(maker => maker with { Number = maker.Number + by })],
        RaceOrders = [.. RaceOrders.Select(seen => seen with { Schedule = seen.Schedule + by })],
    };
}

/// <summary>How far a search is.</summary>
/// <param name="IsExhausted">True when nothing is left within the bound.</param>
/// <param name="States">States that it remembers; null for a search that remembers none.</param>
/// <param name="ContextBound">Everything with at most so many preemptions was seen; null when no such bound was completed, or none cut anything off.</param>
/// <param name="IsApproximate">True when some states are told apart by a few bits only.</param>
/// <param name="Progress">An estimate of the part that is done, 0 to 1 (<see cref="ISearch.Progress"/>); null where nobody knows.</param>
public sealed record SearchReach(bool IsExhausted, long? States, int? ContextBound, bool IsApproximate, double? Progress)
{
    internal static SearchReach Of(ISearch search) => new(search.IsExhausted, search.StateCount, search.CompletedBound, search.IsApproximate, search.Progress);
}

/// <summary>A schedule and its number in the run.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Schedule">The schedule, to be replayed.</param>
public readonly record struct NumberedSchedule(long Number, Schedule Schedule);

/// <summary>A finding over the schedules of a shard, or of a campaign so far.</summary>
/// <param name="Finding">What, as the first schedule showed it.</param>
/// <param name="Step">Number of the step at which the first schedule showed it, from 0; -1 for none.</param>
/// <param name="Thread">Slot of the thread; -1 for none.</param>
/// <param name="OtherStep">The earlier step of a pair, or -1.</param>
/// <param name="First">Number of the first schedule that showed it.</param>
/// <param name="Schedules">What to replay, in this order on one runtime, to see it again.</param>
/// <param name="Count">Schedules that showed it.</param>
/// <param name="Ended">Those of them that ran to their end.</param>
/// <param name="AtBoot">True when it showed before anybody had a choice; then nothing is counted.</param>
public sealed record SeenFinding(
    Finding Finding,
    int Step,
    int Thread,
    int OtherStep,
    long First,
    ImmutableArray<Schedule> Schedules,
    long Count,
    long Ended,
    bool AtBoot)
{
    /// <summary>The finding over a run.</summary>
    /// <param name="schedules">Schedules of the run.</param>
    /// <param name="abandoned">Those that were given up.</param>
    /// <returns>The finding as results tell it.</returns>
    internal ObservedFinding Observed(long schedules, long abandoned) =>
        new(Finding, new Sighting(Finding, Step, Thread, OtherStep), First, AtBoot ? schedules : Count, Schedules)
        {
            AtBoot = AtBoot,
            InEverySchedule = AtBoot || (Ended > 0 && Ended == schedules - abandoned),
        };
}
