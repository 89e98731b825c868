using System.Runtime.InteropServices;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>A thread: its slot, which another one may have had before it, and its id.</summary>
/// <param name="Slot">The slot.</param>
/// <param name="Id">The id.</param>
internal readonly record struct Actor(int Slot, int Id)
{
    /// <summary>Who took a step.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The thread.</returns>
    public static Actor Of(in TraceEntry step) => new(step.Thread, step.Id);

    /// <summary>A thread that has announced a step.</summary>
    /// <param name="thread">The thread.</param>
    /// <returns>The same.</returns>
    public static Actor Of(KernelThread thread) => new(thread.Slot, thread.Id);
}

/// <summary>A lock that a thread holds.</summary>
/// <param name="Key">The address of its word.</param>
/// <param name="IsRead">True when others can hold it as well.</param>
internal readonly record struct Held(ulong Key, bool IsRead);

/// <summary>
/// Which locks each thread holds, as its steps tell. Sets of locks have the thread's id among them: what only ever one thread
/// touches needs no lock.
/// </summary>
internal sealed class HeldLocks
{
    /// <summary>Slots of a stage at most.</summary>
    public const int MaxSlots = 64;

    private readonly List<Held>[] _held = [.. Enumerable.Range(0, MaxSlots).Select(_ => new List<Held>())];
    private readonly int[] _ids = new int[MaxSlots];

    /// <summary>The thread that was the last one in a slot.</summary>
    /// <param name="slot">The slot.</param>
    /// <returns>The thread; one that holds nothing when the slot was not used in the present stage.</returns>
    public Actor LastIn(int slot) => new(slot, _ids[slot]);

    /// <summary>Begins a stage: all threads are new ones.</summary>
    public void BeginStage() => Array.Clear(_ids);

    /// <summary>Takes notice of a thread that takes a step, perhaps its first one, in the slot of one that ended.</summary>
    /// <param name="actor">The thread.</param>
    public void Meet(Actor actor)
    {
        if (_ids[actor.Slot] != actor.Id)
        {
            _ids[actor.Slot] = actor.Id;
            _held[actor.Slot].Clear();
        }
    }

    /// <summary>Takes notice of a step that may take or release a lock.</summary>
    /// <param name="step">The step, of a thread that was met.</param>
    /// <param name="key">Its word.</param>
    /// <returns>False when it released what its thread does not hold.</returns>
    public bool Follow(in TraceEntry step, ulong key)
    {
        switch (step.Kind)
        {
            case StepKind.Lock or StepKind.ReadLock or StepKind.RcuReadLock:
            case StepKind.TryLock when step.Result != 0:
                _held[step.Thread].Add(new Held(key, step.Kind is StepKind.ReadLock or StepKind.RcuReadLock));
                return true;
            case StepKind.Unlock or StepKind.ReadUnlock or StepKind.RcuReadUnlock:
                var index = Find(Actor.Of(step), step.Kind, key);
                if (index >= 0)
                {
                    _held[step.Thread].RemoveAt(index);
                }

                return index >= 0;
            default:
                return true;
        }
    }

    /// <summary>The locks of a thread that may not have taken a step yet, in the slot of one that ended.</summary>
    /// <param name="actor">The thread.</param>
    /// <returns>Its locks, those taken first first.</returns>
    public ReadOnlySpan<Held> Of(Actor actor) => _ids[actor.Slot] == actor.Id ? CollectionsMarshal.AsSpan(_held[actor.Slot]) : [];

    /// <summary>Tells whether a step releases a lock that its thread holds.</summary>
    /// <param name="actor">The thread.</param>
    /// <param name="kind">What the step does.</param>
    /// <param name="key">Its word.</param>
    /// <returns>True for a release of one's own.</returns>
    public bool IsOwnRelease(Actor actor, StepKind kind, ulong key) => OrderedEvent.IsRelease(kind) && Find(actor, kind, key) >= 0;

    /// <summary>Tells whether a thread holds a lock, or is the thread that is meant.</summary>
    /// <param name="actor">The thread.</param>
    /// <param name="key">The lock's word, or a thread's id.</param>
    /// <param name="any">True when to hold it with others is enough.</param>
    /// <returns>True when it does.</returns>
    public bool Holds(Actor actor, ulong key, bool any)
    {
        if (key == (ulong)actor.Id)
        {
            return true;
        }

        foreach (var held in Of(actor))
        {
            if (held.Key == key && (any || !held.IsRead))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Leaves of the locks that were held whenever something was done those that are held this time, too.</summary>
    /// <param name="locks">The locks, and the thread if it was always the same; null for the first time.</param>
    /// <param name="actor">Who does it now.</param>
    /// <param name="any">True when to hold a lock with others is enough.</param>
    /// <returns>What is left; the same array when that is all.</returns>
    public ulong[] Narrow(ulong[]? locks, Actor actor, bool any)
    {
        if (locks is null)
        {
            return AllOf(actor, any);
        }

        foreach (var key in locks)
        {
            if (!Holds(actor, key, any))
            {
                return Without(locks, actor, any);
            }
        }

        return locks;
    }

    private ulong[] AllOf(Actor actor, bool any)
    {
        var held = new HashSet<ulong> { (ulong)actor.Id };
        foreach (var (key, isRead) in Of(actor))
        {
            if (any || !isRead)
            {
                held.Add(key);
            }
        }

        return [.. held];
    }

    // Apart, so that what its lambda keeps is made only where something is taken away.
    private ulong[] Without(ulong[] locks, Actor actor, bool any) => [.. locks.Where(key => Holds(actor, key, any))];

    private int Find(Actor actor, StepKind release, ulong key)
    {
        var held = Of(actor);
        var index = held.Length - 1;
        while (index >= 0 && held[index] != new Held(key, IsRead: release != StepKind.Unlock))
        {
            index--;
        }

        return index;
    }
}
