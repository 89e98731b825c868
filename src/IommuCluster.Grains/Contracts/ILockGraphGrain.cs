using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Checking;
using Orleans.Concurrency;

namespace IommuCluster.Grains.Contracts;

/// <summary>The order in which the threads of all boots that name the graph take their locks. Key: name, slash, locks.</summary>
[Alias("iommucluster.ILockGraphGrain"), GrainInterfaceType(GrainKeys.Names.Locks)]
internal interface ILockGraphGrain : IGrainWithStringKey
{
    /// <summary>Adds edges that the silo of a thread saw for the first time.</summary>
    /// <param name="step">Boot, thread and step that made them; a repeat gets the first answer.</param>
    /// <param name="edges">The edges.</param>
    /// <returns>The cycles that they close.</returns>
    [Alias("learn")]
    ValueTask<ImmutableArray<FindingMessage>> LearnAsync(string step, ImmutableArray<LockEdgeMessage> edges);

    /// <summary>Forgets the graph.</summary>
    /// <returns>Nothing: one way.</returns>
    [Alias("let-go"), OneWay]
    ValueTask LetGoAsync();
}

/// <summary>One lock was taken while another one was held.</summary>
/// <param name="Held">The lock held.</param>
/// <param name="Acquired">The lock then taken.</param>
/// <param name="HeldSince">The function that took the first one.</param>
/// <param name="AcquiredIn">The function that took the second one.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.lock-edge")]
internal readonly record struct LockEdgeMessage(
    [property: Id(0)] LockNodeMessage Held,
    [property: Id(1)] LockNodeMessage Acquired,
    [property: Id(2)] string HeldSince,
    [property: Id(3)] string AcquiredIn)
{
    /// <summary>Wraps an edge.</summary>
    public static LockEdgeMessage Of(LockEdge edge) =>
        new(LockNodeMessage.Of(edge.Held), LockNodeMessage.Of(edge.Acquired), edge.HeldSince, edge.AcquiredIn);

    /// <summary>Unwraps it; boots have no numbers.</summary>
    public LockEdge ToEdge() => new(Held.ToNode(), Acquired.ToNode(), HeldSince, AcquiredIn, Schedule: 0);
}

/// <summary>A lock class in the graph, or an instance where instances are told apart.</summary>
/// <param name="Key">Tells it from all others.</param>
/// <param name="Name">The name that splats print.</param>
/// <param name="NoValidate">True when real lockdep is silent about its cycles.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.lock-node")]
internal readonly record struct LockNodeMessage([property: Id(0)] ulong Key, [property: Id(1)] string Name, [property: Id(2)] bool NoValidate)
{
    /// <summary>Wraps a node.</summary>
    public static LockNodeMessage Of(LockNode node) => new(node.Key, node.Name, node.NoValidate);

    /// <summary>Unwraps it.</summary>
    public LockNode ToNode() => new(Key, Name, NoValidate);
}
