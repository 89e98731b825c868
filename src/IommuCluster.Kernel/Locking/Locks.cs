using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Locking;

/// <summary>What a lock does to its waiter.</summary>
public enum LockKind
{
    /// <summary>A mutex: the waiter sleeps.</summary>
    Mutex,

    /// <summary>A spinlock: the waiter spins, its holder must not sleep.</summary>
    Spin,

    /// <summary>A reader-writer semaphore: the waiter sleeps.</summary>
    RwSem,

    /// <summary>Not a lock: a completion.</summary>
    Completion,

    /// <summary>Not a lock: a wait queue.</summary>
    WaitQueue,
}

/// <summary>A lockdep class: all locks that are initialised at one place of the source.</summary>
/// <param name="Name">The name that splats print (<c>&amp;group-&gt;mutex</c>).</param>
/// <param name="Kind">What the lock does to its waiter.</param>
/// <param name="NoValidate">True for <c>dev-&gt;mutex</c>: real lockdep never reports its cycles, so they are checked per instance and labelled.</param>
public sealed record LockClass(string Name, LockKind Kind, bool NoValidate = false)
{
    /// <summary>The class in a chain key: a hash of the name, the same in every process.</summary>
    internal ulong Key { get; } = (ulong)Checking.StableHash.Of(Name) << 8;
}

/// <summary>An embedded mutex.</summary>
/// <param name="Base">The object that embeds it.</param>
/// <param name="Descriptor">The field.</param>
public readonly record struct Mutex(Address Base, FieldDescriptor Descriptor);

/// <summary>An embedded spinlock.</summary>
/// <param name="Base">The object that embeds it.</param>
/// <param name="Descriptor">The field.</param>
public readonly record struct SpinLock(Address Base, FieldDescriptor Descriptor);

/// <summary>An embedded reader-writer semaphore.</summary>
/// <param name="Base">The object that embeds it.</param>
/// <param name="Descriptor">The field.</param>
public readonly record struct RwSem(Address Base, FieldDescriptor Descriptor);

/// <summary>An embedded completion; the word counts signals not yet consumed.</summary>
/// <param name="Base">The object that embeds it.</param>
/// <param name="Descriptor">The field.</param>
public readonly record struct Completion(Address Base, FieldDescriptor Descriptor);

/// <summary>An embedded wait queue; the word counts wake-ups.</summary>
/// <param name="Base">The object that embeds it.</param>
/// <param name="Descriptor">The field.</param>
public readonly record struct WaitQueue(Address Base, FieldDescriptor Descriptor);

/// <summary>A lock that a thread holds.</summary>
public struct HeldLock
{
    /// <summary>Where the lock is.</summary>
    public Address Base;

    /// <summary>The field that is the lock.</summary>
    public FieldDescriptor Descriptor;

    /// <summary>The subclass it was taken with.</summary>
    public byte Subclass;

    /// <summary>True for the read side of an rwsem.</summary>
    public bool IsRead;

    /// <summary>The kernel function that took it.</summary>
    public string Function;

    /// <summary>Hash of the classes held from the outermost to this one; lockdep's chain key.</summary>
    public ulong ChainKey;
}
