using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>How a later event depends on an earlier one of another thread.</summary>
internal enum Dependence
{
    /// <summary>Their order makes no difference.</summary>
    None,

    /// <summary>Their order makes a difference, and the later one could have run before the earlier one: it hides what the earlier one depends on.</summary>
    Race,

    /// <summary>As <see cref="Race"/>, but the earlier one may be what let the later one run: what lies before it must be looked at, too.</summary>
    PerhapsRace,

    /// <summary>The later one waits for the earlier one, or for what only follows it: the other order is impossible.</summary>
    Order,
}

/// <summary>What of a step decides on which others it depends: known before it runs but for <see cref="OnlyLooks"/>.</summary>
internal struct OrderedEvent
{
    /// <summary>The object of the ids that spawning hands out.</summary>
    public const ulong Ids = 0x1d5;

    /// <summary>The object; 0 when the step touches none that others can.</summary>
    public ulong Object;

    /// <summary>Word offset in the object.</summary>
    public int Word;

    /// <summary>The thread's slot.</summary>
    public int Slot;

    /// <summary>What it does.</summary>
    public StepKind Kind;

    /// <summary>True when it changed nothing: a load, or a trylock that failed.</summary>
    public bool OnlyLooks;

    /// <summary>True for a release by the one who holds the lock.</summary>
    public bool IsOwnRelease;

    /// <summary>True for a release whose acquire is in the same unit of steps: that one stands for both.</summary>
    public bool IsWithin;

    /// <summary>Leaves of a lock's step that it looks at the word: it is ordered with a free of the object, and no more with the lock's other steps.</summary>
    public void BecomeALook() => (Kind, OnlyLooks) = (StepKind.Load, true);

    /// <summary>Writes the event.</summary>
    /// <param name="writer">Where to.</param>
    public readonly void Save(BinaryWriter writer)
    {
        writer.Write(Object);
        writer.Write(Word);
        writer.Write((byte)Slot);
        writer.Write((byte)Kind);
        writer.Write(OnlyLooks);
        writer.Write(IsOwnRelease);
        writer.Write(IsWithin);
    }

    /// <summary>Reads an event.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The event.</returns>
    public static OrderedEvent Load(BinaryReader reader) => new()
    {
        Object = reader.ReadUInt64(),
        Word = reader.ReadInt32(),
        Slot = reader.ReadByte(),
        Kind = (StepKind)reader.ReadByte(),
        OnlyLooks = reader.ReadBoolean(),
        IsOwnRelease = reader.ReadBoolean(),
        IsWithin = reader.ReadBoolean(),
    };

    /// <summary>The event of a step that was taken.</summary>
    /// <param name="entry">The step.</param>
    /// <returns>The event; whether it is an own release is not known yet.</returns>
    public static OrderedEvent Of(in TraceEntry entry) => new()
    {
        Object = ObjectOf(entry.Kind, entry.Base),
        Word = entry.Base.Offset + (entry.Field?.Word ?? 0) + entry.Index,
        Slot = entry.Thread,
        Kind = entry.Kind,
        OnlyLooks = Looks(entry.Kind) || (entry.Kind == StepKind.TryLock && entry.Result == 0),
    };

    /// <summary>The event of a step that is announced.</summary>
    /// <param name="thread">Its thread.</param>
    /// <returns>The event.</returns>
    public static OrderedEvent Of(KernelThread thread)
    {
        ref readonly var request = ref thread.Request;
        return new OrderedEvent
        {
            Object = ObjectOf(request.Kind, request.Base),
            Word = request.Base.Offset + (request.Field?.Word ?? 0) + request.Index,
            Slot = thread.Slot,
            Kind = request.Kind,
            OnlyLooks = Looks(request.Kind),
            IsOwnRelease = IsRelease(request.Kind) && (request.Kind == StepKind.RcuReadUnlock || thread.Holds(request)),
        };
    }

    /// <summary>True for the kinds that take a lock.</summary>
    /// <param name="kind">The kind.</param>
    /// <returns>True for lock, read lock and trylock.</returns>
    public static bool IsAcquire(StepKind kind) => kind is StepKind.Lock or StepKind.ReadLock or StepKind.TryLock;

    /// <summary>True for the kinds that end a critical section.</summary>
    /// <param name="kind">The kind.</param>
    /// <returns>True for unlock, read unlock and the end of an RCU read side.</returns>
    public static bool IsRelease(StepKind kind) => kind is StepKind.Unlock or StepKind.ReadUnlock or StepKind.RcuReadUnlock;

    /// <summary>Tells how an event depends on an earlier one.</summary>
    /// <param name="earlier">An event.</param>
    /// <param name="later">One of another thread, on the same object.</param>
    /// <returns>The dependence.</returns>
    public static Dependence Between(in OrderedEvent earlier, in OrderedEvent later)
    {
        var isFree = earlier.Kind == StepKind.Free || later.Kind == StepKind.Free; // A write to every word.
        if (!isFree && (earlier.Word != later.Word || (earlier.OnlyLooks && later.OnlyLooks) || (IsShared(earlier.Kind) && IsShared(later.Kind))))
        {
            return Dependence.None;
        }

        return !isFree && IsHandedOver(earlier, later) ? Dependence.Order
            : Waits(later.Kind) && !FoundItFree(earlier) ? Dependence.PerhapsRace
            : Dependence.Race;
    }

    /// <summary>Tells whether two steps depend on each other in either order.</summary>
    /// <param name="announced">A step that was not taken yet.</param>
    /// <param name="taken">Another thread's step.</param>
    /// <returns>True when they do.</returns>
    public static bool AreDependent(in OrderedEvent announced, in OrderedEvent taken) =>
        announced.Object == taken.Object && announced.Object != 0
        && (Between(announced, taken) != Dependence.None || Between(taken, announced) != Dependence.None);

    /// <summary>Whoever releases held the lock meanwhile: only a trylock, or somebody else's release, can tell.</summary>
    private static bool IsHandedOver(in OrderedEvent earlier, in OrderedEvent later) =>
        earlier.IsOwnRelease ? later.IsOwnRelease || later.Kind is StepKind.Lock or StepKind.ReadLock or StepKind.SynchronizeRcu
        : later.IsOwnRelease && IsAcquire(earlier.Kind) && !earlier.OnlyLooks;

    private static bool Waits(StepKind kind) =>
        kind is StepKind.Lock or StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu;

    /// <summary>True when nobody held the lock, or there was a signal, just before: who waited for it could have come first.</summary>
    private static bool FoundItFree(in OrderedEvent made) =>
        made.Kind is StepKind.Lock or StepKind.WaitForCompletion || (made.Kind == StepKind.TryLock && !made.OnlyLooks);

    private static ulong ObjectOf(StepKind kind, Address at) => kind switch
    {
        StepKind.Allocate or StepKind.Sleep => 0, // The address is the thread's own count; nobody knows it yet.
        StepKind.Spawn => Ids,
        _ => at.IsObject ? at.Object.Value : 0,
    };

    private static bool Looks(StepKind kind) => kind is StepKind.Load or StepKind.WaitEvent or StepKind.SynchronizeRcu;

    private static bool IsShared(StepKind kind) => kind is StepKind.ReadLock or StepKind.ReadUnlock or StepKind.RcuReadLock or StepKind.RcuReadUnlock;
}
