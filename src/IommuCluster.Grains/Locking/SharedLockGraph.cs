using System.Collections.Immutable;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Grains.Locking;

/// <summary>A lock graph that threads of many boots and silos add to. Each silo sends an edge of a boot once.</summary>
internal sealed class SharedLockGraph
{
    private readonly LockGraph _graph = new();
    private readonly Dictionary<string, ImmutableArray<FindingMessage>> _found = new(StringComparer.Ordinal);

    /// <summary>Adds what is new of some edges.</summary>
    /// <param name="step">The step that made them.</param>
    /// <param name="edges">The edges.</param>
    /// <returns>The cycles that they close; of a step that was here before the same again.</returns>
    public ImmutableArray<FindingMessage> Learn(string step, ImmutableArray<LockEdgeMessage> edges)
    {
        if (_found.TryGetValue(step, out var before))
        {
            return before;
        }

        var found = ImmutableArray.CreateBuilder<FindingMessage>();
        foreach (var edge in edges)
        {
            if (!_graph.Has(edge.Held.Key, edge.Acquired.Key) && _graph.Add(edge.ToEdge()) is { } cycle)
            {
                found.Add(FindingMessage.Of(cycle.ToFinding()));
            }
        }

        return found.Count == 0 ? [] : _found[step] = found.ToImmutable(); // Nothing found is the answer to a repeat, too.
    }
}

/// <summary>Gives a <see cref="SharedLockGraph"/> an address in the cluster.</summary>
[Placement.SocPlacement, GrainType(Boots.GrainKeys.Names.Locks)]
internal sealed class LockGraphGrain : Grain, ILockGraphGrain
{
    private readonly SharedLockGraph _graph = new();

    /// <inheritdoc/>
    public override Task OnActivateAsync(System.Threading.CancellationToken cancellationToken)
    {
        DelayDeactivation(TimeSpan.FromDays(1)); // Once all edges are known there may be no news for long.
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<FindingMessage>> LearnAsync(string step, ImmutableArray<LockEdgeMessage> edges) =>
        ValueTask.FromResult(_graph.Learn(step, edges));

    /// <inheritdoc/>
    public ValueTask LetGoAsync()
    {
        DeactivateOnIdle();
        return ValueTask.CompletedTask;
    }
}
