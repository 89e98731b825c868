using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runs;

/// <summary>A finding over a run of many schedules: one a site, with a count.</summary>
/// <param name="Finding">What, as the first schedule showed it.</param>
/// <param name="Sighting">Where the first schedule showed it.</param>
/// <param name="FirstSchedule">Number of that schedule, from 0; 0 also when it showed before anybody had a choice.</param>
/// <param name="Count">Number of schedules that showed it. Lockdep tells a lock order or recursion once a run, so that their count is 1.</param>
/// <param name="Schedules">What to replay, in this order on one runtime, to see it again: one schedule, or those that make a lock order together.</param>
public sealed record ObservedFinding(Finding Finding, Sighting Sighting, long FirstSchedule, long Count, ImmutableArray<Schedule> Schedules)
{
    /// <summary>True when it showed before anybody had a choice, thus shows in every schedule that there can be.</summary>
    public bool AtBoot { get; init; }

    /// <summary>True when every schedule that ran to its end showed it.</summary>
    public bool InEverySchedule { get; init; }

    /// <summary>True for what lockdep tells once a run, so that the count says nothing about how often it happens.</summary>
    public bool IsToldOnce => Finding.IsToldOnce;
}
