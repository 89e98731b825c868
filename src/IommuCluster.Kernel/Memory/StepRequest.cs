namespace IommuCluster.Kernel.Memory;

/// <summary>What a step does to shared state.</summary>
public enum StepKind : byte
{
    /// <summary>Reads a word.</summary>
    Load,

    /// <summary>Writes a word.</summary>
    Store,

    /// <summary>Adds to a word and answers the new value.</summary>
    Add,

    /// <summary>Writes a word and answers the old value.</summary>
    Exchange,

    /// <summary>Writes a word if it holds the expected value; answers the old one.</summary>
    CompareExchange,

    /// <summary>Makes an object.</summary>
    Allocate,

    /// <summary>Frees and poisons an object.</summary>
    Free,

    /// <summary>Takes a mutex or spinlock, or the write side of an rwsem; waits until it is free.</summary>
    Lock,

    /// <summary>Takes a lock if it is free; answers 1 or 0.</summary>
    TryLock,

    /// <summary>Releases what <see cref="Lock"/> or <see cref="TryLock"/> took.</summary>
    Unlock,

    /// <summary>Takes the read side of an rwsem; waits while it is held for writing.</summary>
    ReadLock,

    /// <summary>Releases the read side.</summary>
    ReadUnlock,

    /// <summary>Consumes one signal of a completion; waits until there is one.</summary>
    WaitForCompletion,

    /// <summary>Signals a completion once.</summary>
    Complete,

    /// <summary>Waits until a wait queue was woken since the ticket was read.</summary>
    WaitEvent,

    /// <summary>Wakes a wait queue.</summary>
    WakeUp,

    /// <summary>Enters an RCU read-side section.</summary>
    RcuReadLock,

    /// <summary>Leaves an RCU read-side section.</summary>
    RcuReadUnlock,

    /// <summary>Waits until no thread is in an RCU read-side section.</summary>
    SynchronizeRcu,

    /// <summary>Starts a thread.</summary>
    Spawn,

    /// <summary>Waits until the virtual clock has moved on.</summary>
    Sleep,
}

/// <summary>How the modelled release marks an access; it decides what counts as a data race.</summary>
public enum Marking : byte
{
    /// <summary>An ordinary C access.</summary>
    Plain,

    /// <summary><c>READ_ONCE</c> or <c>WRITE_ONCE</c>; an atomic read-modify-write that orders nothing (<c>atomic_inc</c>, <c>refcount_inc</c>).</summary>
    Once,

    /// <summary><c>smp_load_acquire</c>, <c>smp_store_release</c>, <c>rcu_dereference</c>, <c>rcu_assign_pointer</c>: marked, and orders; of
    /// read-modify-writes, <c>refcount_dec_and_test</c>: releases, and acquires when it answers 0.</summary>
    Ordered,

    /// <summary>An atomic read-modify-write; orders both ways.</summary>
    Atomic,

    /// <summary><c>data_race()</c>: the release says that it knows.</summary>
    DataRace,

    /// <summary>Not the CPU: a device reads or writes. Never part of a data race.</summary>
    Hardware,
}

/// <summary>One step that a thread asks for. Reused in place by its thread; nothing is allocated.</summary>
public struct StepRequest
{
    /// <summary>What to do.</summary>
    public StepKind Kind;

    /// <summary>How the access is marked.</summary>
    public Marking Marking;

    /// <summary>The lock's subclass (<c>mutex_lock_nested</c>).</summary>
    public byte Subclass;

    /// <summary>The object, or a place inside it.</summary>
    public Address Base;

    /// <summary>The field; null for steps that name no field.</summary>
    public FieldDescriptor? Field;

    /// <summary>Element of an array field.</summary>
    public int Index;

    /// <summary>The word to store or add; the object's layout size for an allocation; the ticket or time to wait for.</summary>
    public ulong Value;

    /// <summary>The word that a compare-exchange expects.</summary>
    public ulong Expected;

    /// <summary>Id of the thread.</summary>
    public int Thread;

    /// <summary>The layout of an allocation.</summary>
    public Layout? Layout;

    /// <summary>Tells whether a read-modify-write or a try-lock is ordered after what released its word.</summary>
    /// <param name="kind">What it does.</param>
    /// <param name="marking">How it is marked.</param>
    /// <param name="expected">The word that a compare-exchange expects.</param>
    /// <param name="answer">The word that it answered.</param>
    /// <returns>True when it acquires. One that fails orders nothing.</returns>
    public static bool Acquires(StepKind kind, Marking marking, ulong expected, ulong answer) => kind switch
    {
        StepKind.TryLock => answer != 0,
        StepKind.CompareExchange => answer == expected,
        _ => marking == Marking.Atomic || (marking == Marking.Ordered && answer == 0),
    };

    /// <summary>Tells whether what comes before a read-modify-write is ordered before who acquires its word.</summary>
    /// <param name="kind">What it does.</param>
    /// <param name="marking">How it is marked.</param>
    /// <param name="expected">The word that a compare-exchange expects.</param>
    /// <param name="answer">The word that it answered.</param>
    /// <returns>True when it releases. One that fails orders nothing.</returns>
    public static bool Releases(StepKind kind, Marking marking, ulong expected, ulong answer) =>
        marking >= Marking.Ordered && (kind != StepKind.CompareExchange || answer == expected);

    /// <summary>The bank's number of the object, found once when the step is announced; -1 when there is none.</summary>
    internal int ObjectNumber;
}

/// <summary>How a step went wrong.</summary>
public enum FaultKind : byte
{
    /// <summary>It did not.</summary>
    None,

    /// <summary>Through NULL.</summary>
    NullDereference,

    /// <summary>Into a freed object.</summary>
    UseAfterFree,

    /// <summary>Free of a freed object.</summary>
    DoubleFree,

    /// <summary>Through a value that never was an address, poison among them.</summary>
    WildPointer,

    /// <summary>Past the end of an object.</summary>
    OutOfBounds,
}

/// <summary>What a step answered.</summary>
public struct StepResult
{
    /// <summary>The word that the step answers; 0 where it answers none.</summary>
    public ulong Value;

    /// <summary>How it went wrong, if it did.</summary>
    public FaultKind Fault;

    /// <summary>The bank's number of the word that was touched; -1 when there is none.</summary>
    public int Slot;

    /// <summary>The bank's number of the object that was touched; -1 when there is none.</summary>
    public int ObjectNumber;
}
