using System.Collections.Immutable;

namespace IommuCluster.Exploration.Runs;

/// <summary>A search between two schedules, as data.</summary>
/// <param name="Seen">What was seen so far.</param>
/// <param name="Search">What the strategy itself wrote.</param>
public sealed record SearchState(LedgerState Seen, ImmutableArray<byte> Search);
