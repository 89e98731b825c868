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
    private readonly Dictionary<ulong, LockNode> _nodes = [];
    private readonly HashSet<ulong> _chains = [];
    private readonly LockGraph _graph = new();
    private readonly List<long> _witnesses = [];
    private long _schedule;
    private int _kept;

    /// <summary>True when the present schedule added an edge.</summary>
    public bool SawNewEdge { get; private set; }

    /// <summary>The schedules that made the edges of the cycle found last, without repetition.</summary>
    public IReadOnlyList<long> Witnesses => _witnesses;

    /// <summary>All edges in the order of their making, those of the boot before all schedules first.</summary>
    public IReadOnlyList<LockEdge> Edges => _graph.Edges;

    /// <summary>Begins a schedule.</summary>
    /// <param name="number">Its number.</param>
    public void BeginSchedule(long number)
    {
        _schedule = number;
        SawNewEdge = false;
    }

    /// <summary>Makes the edges seen so far the ones that <see cref="Forget"/> keeps.</summary>
    internal void TakeSnapshot() => _kept = _graph.Edges.Count;

    /// <summary>Forgets the schedules: the next one is checked as if it were the first.</summary>
    public void Forget()
    {
        _chains.Clear();
        _graph.Truncate(_kept);
    }

    /// <summary>Takes notice of the lock on top of the thread's stack; the thread reports each recursion and cycle seen for the first time.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="isTry">True for a successful trylock: it cannot have waited, so it makes no edge.</param>
    internal void Acquired(KernelThread thread, bool isTry)
    {
        var held = thread.HeldLocksForUpdate;
        var top = held.Length - 1;
        var chain = Extend(held, top);
        held[top].ChainKey = chain;
        if (!isTry && _chains.Add(chain))
        {
            Validate(thread, held, top);
        }
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

    private void Validate(KernelThread thread, Span<HeldLock> held, int top)
    {
        var acquired = NodeOf(held[top]);
        for (var i = 0; i < top; i++)
        {
            var before = NodeOf(held[i]);
            if (before.Key == acquired.Key)
            {
                if (!held[i].IsRead || !held[top].IsRead)
                {
                    thread.Report(Recursion(held[i], held[top]));
                }
            }
            else if (!_graph.Has(before.Key, acquired.Key))
            {
                SawNewEdge = true;
                Tell(thread, _graph.Add(new LockEdge(before, acquired, held[i].Function, held[top].Function, _schedule)));
            }
        }
    }

    private void Tell(KernelThread thread, LockCycle? cycle)
    {
        if (cycle is not null)
        {
            _witnesses.Clear();
            _witnesses.AddRange(cycle.Witnesses);
            thread.Report(cycle.ToFinding());
        }
    }

    private LockNode NodeOf(in HeldLock held)
    {
        var key = KeyOf(held);
        if (!_nodes.TryGetValue(key, out var node))
        {
            var lockClass = held.Descriptor.LockClass!;
            var name = held.Subclass == 0 ? lockClass.Name : $"{lockClass.Name}/{held.Subclass}";
            _nodes.Add(key, node = new LockNode(key, name, lockClass.NoValidate));
        }

        return node;
    }

    private static Finding Recursion(in HeldLock outer, in HeldLock inner) =>
        new(FindingKind.LockRecursion, inner.Function, inner.Descriptor.Layout.Name, inner.Descriptor.Name, outer.Function,
            $"WARNING: possible recursive locking detected: {inner.Descriptor.LockClass!.Name} in {inner.Function}, already held since {outer.Function}");
}
