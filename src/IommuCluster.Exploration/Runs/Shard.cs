using System.Collections.Immutable;
using IommuCluster.Exploration.Strategies;

namespace IommuCluster.Exploration.Runs;

/// <summary>
/// A part of a round: so many schedules of one sampler, from a number on, or at most so many of a part of a search. Data only; what it answers is a function of it
/// and of the workload, whoever runs it, wherever, and whatever they ran before.
/// </summary>
/// <param name="Round">Number of the round, from 0.</param>
/// <param name="Index">Its place in the round, from 0: results are merged in this order.</param>
/// <param name="Strategy">Name of the sampler, or of the search.</param>
/// <param name="Seed">Seed of the run.</param>
/// <param name="First">Number of its first schedule in the run, from 0.</param>
/// <param name="Schedules">How many schedules, at least 1.</param>
/// <param name="Length">The most choices that a schedule of earlier rounds had, for samplers that place their switches by it; 0 when nobody knows.</param>
public sealed record Shard(int Round, int Index, string Strategy, ulong Seed, long First, int Schedules, int Length)
{
    /// <summary>Racing pairs that it is to meet in the other order, one a schedule; empty for other samplers.</summary>
    public ImmutableArray<RaceHint> Flips { get; init; } = [];

    /// <summary>
    /// The part of a search, as the search itself wrote it; its schedules are numbered when they are merged. Or the whole of a search
    /// of one mind, to be gone on with; empty when it begins, and where whoever ran the shard before has kept it. Empty for samplers.
    /// </summary>
    public ReadOnlyMemory<byte> Search { get; init; }

    /// <summary>Preemptions that a search over states allows, or null for all.</summary>
    public int? ContextBound { get; init; }
}
