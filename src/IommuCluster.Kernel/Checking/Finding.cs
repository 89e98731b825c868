namespace IommuCluster.Kernel.Checking;

/// <summary>What kind of thing went wrong.</summary>
public enum FindingKind
{
    /// <summary>A NULL pointer was followed.</summary>
    NullDereference,

    /// <summary>A freed object was touched.</summary>
    UseAfterFree,

    /// <summary>A value that is no pointer was followed.</summary>
    WildPointer,

    /// <summary>An object was accessed past its end.</summary>
    OutOfBounds,

    /// <summary>A freed object was freed again.</summary>
    DoubleFree,

    /// <summary>Lock classes are taken in contradicting orders.</summary>
    LockOrder,

    /// <summary>A thread takes a lock of a class (or the very lock) that it holds.</summary>
    LockRecursion,

    /// <summary>A thread may sleep while it holds a spinlock or is in an RCU read-side section.</summary>
    SleepInAtomic,

    /// <summary>A lock that the function demands is not held.</summary>
    LockNotHeld,

    /// <summary>A thread released a lock that it does not hold.</summary>
    BadUnlock,

    /// <summary>A thread ended with a lock held.</summary>
    HeldAtExit,

    /// <summary>Threads wait for each other in a circle.</summary>
    Deadlock,

    /// <summary>No thread can run although some have not ended.</summary>
    Hang,

    /// <summary>A schedule ran past its bound of steps.</summary>
    NoProgress,

    /// <summary>A device stays on the deferred list for ever.</summary>
    StuckDeferred,

    /// <summary>A WARN_ON fired.</summary>
    Warning,

    /// <summary>A reference count went wrong.</summary>
    RefCount,

    /// <summary>A driver that must succeed was refused.</summary>
    UnexpectedErrno,

    /// <summary>A device's DMA met no mapping, a blocked stream or the wrong table.</summary>
    ContextFault,

    /// <summary>A device reached memory of another owner.</summary>
    IsolationBreach,

    /// <summary>Two conflicting accesses are unordered and at least one is unmarked.</summary>
    DataRace,
}

/// <summary>Something wrong, told by where it is and not by when it was seen: equal for every schedule that shows it.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Function">The kernel function in which it showed.</param>
/// <param name="ObjectType">The kernel type concerned, or empty.</param>
/// <param name="Field">The field concerned, or empty.</param>
/// <param name="Other">The second function or class of a pair (a race, a lock order), or empty.</param>
/// <param name="Message">One line for people; may name devices, addresses and numbers; not part of the identity.</param>
public sealed record Finding(FindingKind Kind, string Function, string ObjectType, string Field, string Other, string Message)
{
    /// <summary>True for a data race: listed apart, red only when a scenario asks for it.</summary>
    public bool IsRace => Kind == FindingKind.DataRace;

    /// <summary>True for what lockdep tells once a run, so that how often it was seen says nothing.</summary>
    public bool IsToldOnce => Kind is FindingKind.LockOrder or FindingKind.LockRecursion;

    /// <summary>Tells whether two findings are the same one: all but the message.</summary>
    /// <param name="other">The other.</param>
    /// <returns>True when their ids agree.</returns>
    public bool IsSameAs(Finding other) =>
        Kind == other.Kind && Function == other.Function && ObjectType == other.ObjectType && Field == other.Field && Other == other.Other;

    /// <summary>The stable id: kind, function, type, field and other, hashed with FNV-1a and printed in hex.</summary>
    public string Id => $"{Kind switch
    {
        FindingKind.NullDereference => "null",
        FindingKind.UseAfterFree => "uaf",
        FindingKind.WildPointer => "wild",
        FindingKind.OutOfBounds => "oob",
        FindingKind.DoubleFree => "dfree",
        FindingKind.LockOrder => "order",
        FindingKind.LockRecursion => "recur",
        FindingKind.SleepInAtomic => "atomic",
        FindingKind.LockNotHeld => "assert",
        FindingKind.BadUnlock => "unlock",
        FindingKind.HeldAtExit => "held",
        FindingKind.Deadlock => "dead",
        FindingKind.Hang => "hang",
        FindingKind.NoProgress => "loop",
        FindingKind.StuckDeferred => "stuck",
        FindingKind.Warning => "warn",
        FindingKind.RefCount => "ref",
        FindingKind.UnexpectedErrno => "errno",
        FindingKind.ContextFault => "fault",
        FindingKind.IsolationBreach => "breach",
        FindingKind.DataRace => "race",
        _ => throw new System.Diagnostics.UnreachableException(),
    }}-{StableHash.Of(Function, ObjectType, Field, Other):x8}";
}

/// <summary>Hashes that are the same in every process.</summary>
public static class StableHash
{
    /// <summary>FNV-1a over the UTF-16 units of the texts, each ended by a separator.</summary>
    /// <param name="texts">What to hash.</param>
    /// <returns>32 bits.</returns>
    public static uint Of(params ReadOnlySpan<string> texts)
    {
        var hash = 2166136261u;
        foreach (var text in texts)
        {
            foreach (var unit in text)
            {
                hash = unchecked((hash ^ unit) * 16777619u);
            }

            hash = unchecked((hash ^ 0x1f) * 16777619u);
        }

        return hash;
    }
}
