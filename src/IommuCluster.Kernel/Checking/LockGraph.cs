namespace IommuCluster.Kernel.Checking;

/// <summary>A lock class in the graph, or an instance where instances are told apart.</summary>
/// <param name="Key">Tells it from all others; the same in every process.</param>
/// <param name="Name">The name that splats print.</param>
/// <param name="NoValidate">True when real lockdep is silent about its cycles.</param>
public sealed record LockNode(ulong Key, string Name, bool NoValidate);

/// <summary>One lock was taken while another one was held.</summary>
/// <param name="Held">The lock held.</param>
/// <param name="Acquired">The lock then taken.</param>
/// <param name="HeldSince">The function that took the first one.</param>
/// <param name="AcquiredIn">The function that took the second one.</param>
/// <param name="Schedule">Number of the schedule that did so first; negative for the boot before all schedules.</param>
public sealed record LockEdge(LockNode Held, LockNode Acquired, string HeldSince, string AcquiredIn, long Schedule);

/// <summary>
/// The order in which locks are taken, over as many schedules as one likes. Plain data in, plain data out: graphs of parts
/// of a run, merged edge by edge in the order of their making, find what the graph of the whole run finds.
/// </summary>
public sealed class LockGraph
{
    private readonly Dictionary<ulong, List<LockEdge>> _from = [];
    private readonly List<LockEdge> _edges = [];

    /// <summary>All edges in the order of their making.</summary>
    public IReadOnlyList<LockEdge> Edges => _edges;

    /// <summary>Tells whether an edge is there.</summary>
    /// <param name="held">Key of the lock held.</param>
    /// <param name="acquired">Key of the lock then taken.</param>
    /// <returns>True when some schedule made it.</returns>
    public bool Has(ulong held, ulong acquired)
    {
        foreach (var edge in _from.GetValueOrDefault(held) ?? [])
        {
            if (edge.Acquired.Key == acquired)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds an edge that is not there.</summary>
    /// <param name="edge">The edge.</param>
    /// <returns>The cycle that it closes, or null.</returns>
    public LockCycle? Add(LockEdge edge)
    {
        if (!_from.TryGetValue(edge.Held.Key, out var edges))
        {
            _from.Add(edge.Held.Key, edges = []);
        }

        edges.Add(edge);
        _edges.Add(edge);
        var way = new List<LockEdge>();
        return Reach(edge.Acquired.Key, edge.Held.Key, way, []) ? new LockCycle(edge, way) : null;
    }

    /// <summary>Forgets all but the first edges.</summary>
    /// <param name="count">How many stay.</param>
    public void Truncate(int count)
    {
        foreach (var edge in _edges.Skip(count))
        {
            _from[edge.Held.Key].Remove(edge);
        }

        _edges.RemoveRange(count, _edges.Count - count);
    }

    private bool Reach(ulong from, ulong to, List<LockEdge> way, HashSet<ulong> seen)
    {
        foreach (var edge in _from.GetValueOrDefault(from) ?? [])
        {
            if (!seen.Add(edge.Acquired.Key))
            {
                continue;
            }

            way.Add(edge);
            if (edge.Acquired.Key == to || Reach(edge.Acquired.Key, to, way, seen))
            {
                return true;
            }

            way.RemoveAt(way.Count - 1);
        }

        return false;
    }
}

/// <summary>Locks that are taken in contradicting orders.</summary>
/// <param name="Closing">The edge that closed the cycle.</param>
/// <param name="Way">The edges that were there, from the lock taken back to the lock held.</param>
public sealed record LockCycle(LockEdge Closing, IReadOnlyList<LockEdge> Way)
{
    /// <summary>The schedules that made it, without repetition, that of the closing edge last.</summary>
    public IEnumerable<long> Witnesses => Way.Select(edge => edge.Schedule).Where(number => number != Closing.Schedule).Distinct().Append(Closing.Schedule);

    /// <summary>The cycle as a finding.</summary>
    /// <returns>The same whichever schedule closed it, as long as the same two locks do.</returns>
    public Finding ToFinding()
    {
        var (held, acquired) = (Closing.Held, Closing.Acquired);
        var silent = acquired.NoValidate || Way.Any(edge => edge.Acquired.NoValidate);
        var names = new[] { held.Name, acquired.Name };
        Array.Sort(names, StringComparer.Ordinal);
        var way = string.Join(" --> ", Way.Select(edge => edge.Acquired.Name).Prepend(acquired.Name));
        return new Finding(FindingKind.LockOrder, "lockdep", names[0], string.Empty, names[1],
            $"WARNING: possible circular locking dependency detected{(silent ? " (would hang, lockdep silent)" : string.Empty)}: {Closing.AcquiredIn} takes {acquired.Name} while {held.Name} is held since {Closing.HeldSince}; elsewhere {way}");
    }
}
