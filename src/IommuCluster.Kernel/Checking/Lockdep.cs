using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Checking;

/// <summary>
/// The graph of lock classes: an edge A to B once some thread took B while it held A. A cycle is a finding although
/// nothing deadlocked. Chains already seen cost one look-up (Linux: <c>kernel/locking/lockdep.c</c>). The graph outlives
/// a schedule, so a cycle may be made of two; <see cref="Witnesses"/> names them. <c>dev-&gt;mutex</c> is checked per
/// instance, and its cycles are labelled: real lockdep is silent about them.
/// </summary>
public sealed class Lockdep
{
    private readonly Dictionary<ulong, Node> _nodes = [];
    private readonly HashSet<ulong> _chains = [];
    private readonly List<long> _witnesses = [];
    private long _schedule;

    /// <summary>True when the present schedule added an edge.</summary>
    public bool SawNewEdge { get; private set; }

    /// <summary>The schedules that made the edges of the cycle found last, without repetition.</summary>
    public IReadOnlyList<long> Witnesses => _witnesses;

    /// <summary>All edges, for reports and tests: held lock, lock then acquired.</summary>
    public IEnumerable<(string Held, string Acquired)> Edges =>
        from node in _nodes.Values from edge in node.Edges select (node.Name, edge.To.Name);

    /// <summary>Begins a schedule.</summary>
    /// <param name="number">Its number.</param>
    public void BeginSchedule(long number)
    {
        _schedule = number;
        SawNewEdge = false;
    }

    /// <summary>Makes the edges seen so far the ones that <see cref="Forget"/> keeps.</summary>
    internal void TakeSnapshot()
    {
        foreach (var node in _nodes.Values)
        {
            node.Kept = node.Edges.Count;
        }
    }

    /// <summary>Forgets the schedules: the next one is checked as if it were the first.</summary>
    public void Forget()
    {
        _chains.Clear();
        foreach (var node in _nodes.Values)
        {
            node.Edges.RemoveRange(node.Kept, node.Edges.Count - node.Kept);
        }
    }

    /// <summary>Takes notice of the lock on top of the thread's stack.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="isTry">True for a successful trylock: it cannot have waited, so it makes no edge.</param>
    /// <returns>A recursion or a cycle seen for the first time, or null.</returns>
    internal Finding? Acquired(KernelThread thread, bool isTry)
    {
        var held = thread.HeldLocksForUpdate;
        var top = held.Length - 1;
        var chain = Extend(held, top);
        held[top].ChainKey = chain;
        return isTry || !_chains.Add(chain) ? null : Validate(held, top);
    }

    /// <summary>Takes notice of a release from within the stack.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="index">Where the lock was.</param>
    internal static void Released(KernelThread thread, int index)
    {
        var held = thread.HeldLocksForUpdate;
        for (var i = index; i < held.Length; i++)
        {
            held[i].ChainKey = Extend(held, i);
        }
    }

    private static ulong Extend(Span<HeldLock> held, int index) =>
        StateHash.Mix(unchecked((index > 0 ? held[index - 1].ChainKey : 0x10ca1) + KeyOf(held[index])));

    private static ulong KeyOf(in HeldLock held)
    {
        var lockClass = held.Descriptor.LockClass!;
        return lockClass.NoValidate
            ? StateHash.Mix(held.Base.Plus(held.Descriptor.Word).Value)
            : StateHash.Mix(lockClass.Key + held.Subclass);
    }

    private Finding? Validate(Span<HeldLock> held, int top)
    {
        Finding? finding = null;
        var acquired = NodeOf(held[top]);
        for (var i = 0; i < top; i++)
        {
            var before = NodeOf(held[i]);
            if (ReferenceEquals(before, acquired))
            {
                finding ??= held[i].IsRead && held[top].IsRead ? null : Recursion(held[i], held[top]);
                continue;
            }

            if (before.Edges.Exists(edge => ReferenceEquals(edge.To, acquired)))
            {
                continue;
            }

            SawNewEdge = true;
            before.Edges.Add(new Edge(acquired, held[i].Function, held[top].Function, _schedule));
            finding ??= FindCycle(acquired, before, held[i], held[top]);
        }

        return finding;
    }

    private Node NodeOf(in HeldLock held)
    {
        var key = KeyOf(held);
        if (!_nodes.TryGetValue(key, out var node))
        {
            var lockClass = held.Descriptor.LockClass!;
            var name = held.Subclass == 0 ? lockClass.Name : $"{lockClass.Name}/{held.Subclass}";
            _nodes.Add(key, node = new Node(name, lockClass.NoValidate));
        }

        return node;
    }

    private static Finding Recursion(in HeldLock outer, in HeldLock inner) =>
        new(FindingKind.LockRecursion, inner.Function, inner.Descriptor.Layout.Name, inner.Descriptor.Name, outer.Function,
            $"WARNING: possible recursive locking detected: {inner.Descriptor.LockClass!.Name} in {inner.Function}, already held since {outer.Function}");

    private Finding? FindCycle(Node from, Node to, in HeldLock outer, in HeldLock inner)
    {
        var path = new List<Edge>();
        if (!Reach(from, to, path, []))
        {
            return null;
        }

        _witnesses.Clear();
        _witnesses.AddRange(path.Select(edge => edge.Schedule).Append(_schedule).Distinct());
        var silent = path.Exists(edge => edge.To.NoValidate) || from.NoValidate;
        var names = new[] { to.Name, from.Name };
        Array.Sort(names, StringComparer.Ordinal);
        var way = string.Join(" --> ", path.Select(edge => edge.To.Name).Prepend(from.Name));
        return new Finding(FindingKind.LockOrder, "lockdep", names[0], string.Empty, names[1],
            $"WARNING: possible circular locking dependency detected{(silent ? " (would hang, lockdep silent)" : string.Empty)}: {inner.Function} takes {from.Name} while {to.Name} is held since {outer.Function}; elsewhere {way}");
    }

    private static bool Reach(Node from, Node to, List<Edge> path, HashSet<Node> seen)
    {
        foreach (var edge in from.Edges)
        {
            if (!seen.Add(edge.To))
            {
                continue;
            }

            path.Add(edge);
            if (ReferenceEquals(edge.To, to) || Reach(edge.To, to, path, seen))
            {
                return true;
            }

            path.RemoveAt(path.Count - 1);
        }

        return false;
    }

    private sealed class Node(string name, bool noValidate)
    {
        public string Name { get; } = name;

        public bool NoValidate { get; } = noValidate;

        public List<Edge> Edges { get; } = [];

        public int Kept { get; set; }
    }

    private sealed record Edge(Node To, string HeldSince, string AcquiredIn, long Schedule);
}
