using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Kernel.Memory;

/// <summary>What a machine does: stages one after the other, each a set of threads that start together.</summary>
/// <param name="Name">How reports call it.</param>
/// <param name="Architecture">Decides the byte offsets that splats print.</param>
/// <param name="Stages">A stage begins when all threads of the one before have ended.</param>
public sealed record Workload(string Name, Architecture Architecture, ImmutableArray<Stage> Stages)
{
    /// <summary>The machine's facts, for flows that ask for them; null for programs without a machine.</summary>
    public Machine? Machine { get; init; }
}

/// <summary>Threads that start together.</summary>
/// <param name="Name">How reports call it.</param>
/// <param name="Threads">The threads, in the order of their ids.</param>
public sealed record Stage(string Name, ImmutableArray<ThreadStart> Threads);
