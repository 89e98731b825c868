using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runtime;

/// <summary>How a schedule ended.</summary>
public enum ScheduleEnd
{
    /// <summary>All threads of all stages ended.</summary>
    Completed,

    /// <summary>An oops ended it.</summary>
    Oopsed,

    /// <summary>No thread could run although some had not ended.</summary>
    Stuck,

    /// <summary>It ran past the bound of steps.</summary>
    StepBound,

    /// <summary>The strategy gave it up: what would follow is known.</summary>
    Abandoned,

    /// <summary>A replayed schedule asked for a thread that could not run.</summary>
    Diverged,
}

/// <summary>A finding and where in the schedule it showed.</summary>
/// <param name="Finding">The finding.</param>
/// <param name="Step">Number of the step, from 0.</param>
/// <param name="Thread">Slot of the thread.</param>
/// <param name="OtherStep">The earlier step of a pair (a race, the free of a use after free), or -1.</param>
public readonly record struct Sighting(Finding Finding, int Step, int Thread, int OtherStep)
{
    /// <summary>Every thread of the moment, where the runtime was asked to look.</summary>
    public ImmutableArray<ThreadSnapshot> Threads { get; init; } = [];

    /// <summary>The schedules whose locks make a lock order; empty when this one alone does.</summary>
    public ImmutableArray<long> Witnesses { get; init; } = [];
}

/// <summary>Looking for a sighting.</summary>
public static class Sightings
{
    /// <summary>The first sighting of a finding.</summary>
    /// <param name="sightings">What was seen.</param>
    /// <param name="isWanted">Tells the finding.</param>
    /// <returns>The sighting, or null when there is none.</returns>
    public static Sighting? FirstOf(this IReadOnlyList<Sighting> sightings, Func<Finding, bool> isWanted)
    {
        foreach (var sighting in sightings)
        {
            if (isWanted(sighting.Finding))
            {
                return sighting;
            }
        }

        return null;
    }
}
