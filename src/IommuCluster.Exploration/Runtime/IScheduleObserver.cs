namespace IommuCluster.Exploration.Runtime;

/// <summary>Hears of every schedule when it has ended, never of a step; from any worker's thread.</summary>
public interface IScheduleObserver
{
    /// <summary>A schedule has ended.</summary>
    /// <param name="runtime">Ran it; its trace, sightings and memory are still those of the schedule.</param>
    /// <param name="end">How it ended.</param>
    void Ended(DeterministicRuntime runtime, ScheduleEnd end);
}
