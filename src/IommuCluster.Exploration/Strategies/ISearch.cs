using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>A strategy that comes to an end of its own, and what that end, or having come so far, is worth.</summary>
public interface ISearch : IStrategy
{
    /// <summary>True when nothing is left to explore within <see cref="CompletedBound"/>.</summary>
    bool IsExhausted { get; }

    /// <summary>Everything with at most so many preemptions was seen; null when no such bound was completed, or none cut anything off.</summary>
    int? CompletedBound { get; }

    /// <summary>True when states are told apart by a few bits only, so that a collision can have hidden something.</summary>
    bool IsApproximate { get; }

    /// <summary>Number of states remembered, or null for a search that remembers none.</summary>
    long? StateCount { get; }

    /// <summary>
    /// Estimate of the part of the search tree that is done, 0 to 1: each branch of a choice is taken for as large as the
    /// others (Knuth, Estimating the Efficiency of Backtrack Programs, 1975). Later branches mostly meet what earlier ones
    /// have seen, so that it errs on the low side. Null where nobody knows: a search that learns of most branches of a
    /// choice only from what it runs below them cannot tell how many there will be.
    /// </summary>
    double? Progress { get; }
}

/// <summary>A search that can be written down between two schedules and taken up again in another process.</summary>
public interface IResumable
{
    /// <summary>Writes all that it knows. To be called between two schedules only.</summary>
    /// <param name="writer">Where to.</param>
    void Save(BinaryWriter writer);

    /// <summary>Takes up what <see cref="Save"/> wrote, on a fresh search made with the same arguments for the same workload.</summary>
    /// <param name="reader">Where from.</param>
    /// <exception cref="InvalidDataException">It was written by another search.</exception>
    void Load(BinaryReader reader);
}
