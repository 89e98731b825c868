namespace IommuCluster.Exploration.Runtime;

/// <summary>A moment before which everything is ordered before what comes next on some slots: a stage begins, or sleepers wake because nobody else can run.</summary>
/// <param name="Step">Number of the first step after it.</param>
/// <param name="Slots">A bit for each slot whose next step is ordered.</param>
/// <param name="IsStage">True when a stage begins.</param>
/// <param name="NextId">Where a stage begins, the id that the first spawned thread gets.</param>
internal readonly record struct Barrier(int Step, ulong Slots, bool IsStage, int NextId);
