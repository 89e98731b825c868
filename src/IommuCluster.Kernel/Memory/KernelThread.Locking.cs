using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Locking;

namespace IommuCluster.Kernel.Memory;

/// <content>The verbs that lock, wait and wake, and the stack of held locks.</content>
public sealed partial class KernelThread
{
    /// <summary>Takes a mutex (Linux: <c>mutex_lock_nested</c>).</summary>
    /// <param name="mutex">The mutex.</param>
    /// <param name="subclass">Lockdep subclass.</param>
    /// <returns>A step; it waits while another thread holds the mutex.</returns>
    public Step Lock(Mutex mutex, byte subclass = 0)
    {
        MightSleep("mutex_lock");
        return Acquire(StepKind.Lock, mutex.Base, mutex.Descriptor, subclass);
    }

    /// <summary>Takes a mutex if it is free (Linux: <c>mutex_trylock</c>).</summary>
    /// <param name="mutex">The mutex.</param>
    /// <returns>A step that answers whether it was taken.</returns>
    public Step<bool> TryLock(Mutex mutex)
    {
        Acquire(StepKind.TryLock, mutex.Base, mutex.Descriptor, 0);
        return new Step<bool>(this);
    }

    /// <summary>Releases a mutex.</summary>
    /// <param name="mutex">The mutex.</param>
    /// <returns>A step.</returns>
    public Step Unlock(Mutex mutex) => Release(StepKind.Unlock, mutex.Base, mutex.Descriptor);

    /// <summary>Takes a spinlock; until its release the thread must not sleep.</summary>
    /// <param name="spin">The spinlock.</param>
    /// <returns>A step; it waits while another thread holds the lock.</returns>
    public Step Lock(SpinLock spin) => Acquire(StepKind.Lock, spin.Base, spin.Descriptor, 0);

    /// <summary>Releases a spinlock.</summary>
    /// <param name="spin">The spinlock.</param>
    /// <returns>A step.</returns>
    public Step Unlock(SpinLock spin) => Release(StepKind.Unlock, spin.Base, spin.Descriptor);

    /// <summary>Takes the read side of an rwsem.</summary>
    /// <param name="rwsem">The rwsem.</param>
    /// <returns>A step; it waits while the rwsem is held for writing.</returns>
    public Step DownRead(RwSem rwsem)
    {
        MightSleep("down_read");
        return Acquire(StepKind.ReadLock, rwsem.Base, rwsem.Descriptor, 0);
    }

    /// <summary>Releases the read side of an rwsem.</summary>
    /// <param name="rwsem">The rwsem.</param>
    /// <returns>A step.</returns>
    public Step UpRead(RwSem rwsem) => Release(StepKind.ReadUnlock, rwsem.Base, rwsem.Descriptor);

    /// <summary>Takes the write side of an rwsem.</summary>
    /// <param name="rwsem">The rwsem.</param>
    /// <returns>A step; it waits while the rwsem is held at all.</returns>
    public Step DownWrite(RwSem rwsem)
    {
        MightSleep("down_write");
        return Acquire(StepKind.Lock, rwsem.Base, rwsem.Descriptor, 0);
    }

    /// <summary>Releases the write side of an rwsem.</summary>
    /// <param name="rwsem">The rwsem.</param>
    /// <returns>A step.</returns>
    public Step UpWrite(RwSem rwsem) => Release(StepKind.Unlock, rwsem.Base, rwsem.Descriptor);

    /// <summary>Signals a completion once (Linux: <c>complete</c>).</summary>
    /// <param name="completion">The completion.</param>
    /// <returns>A step.</returns>
    public Step Complete(Completion completion) => Signal(StepKind.Complete, completion.Base, completion.Descriptor, 0);

    /// <summary>Waits for one signal of a completion and consumes it.</summary>
    /// <param name="completion">The completion.</param>
    /// <returns>A step.</returns>
    public Step WaitFor(Completion completion)
    {
        MightSleep("wait_for_completion");
        return Signal(StepKind.WaitForCompletion, completion.Base, completion.Descriptor, 0);
    }

    /// <summary>Notes how often a wait queue was woken, before the condition is tested (Linux: <c>prepare_to_wait</c>).</summary>
    /// <param name="queue">The wait queue.</param>
    /// <returns>A step that answers the ticket for <see cref="WaitEvent"/>.</returns>
    public Step<ulong> PrepareToWait(WaitQueue queue) => Load(new Field<ulong>(queue.Base, queue.Descriptor), Marking.Atomic);

    /// <summary>Waits until the queue was woken since the ticket was taken.</summary>
    /// <param name="queue">The wait queue.</param>
    /// <param name="ticket">What <see cref="PrepareToWait"/> answered.</param>
    /// <returns>A step.</returns>
    public Step WaitEvent(WaitQueue queue, ulong ticket)
    {
        MightSleep("schedule");
        return Signal(StepKind.WaitEvent, queue.Base, queue.Descriptor, ticket);
    }

    /// <summary>Wakes all waiters of a queue.</summary>
    /// <param name="queue">The wait queue.</param>
    /// <returns>A step.</returns>
    public Step WakeUp(WaitQueue queue) => Signal(StepKind.WakeUp, queue.Base, queue.Descriptor, 0);

    /// <summary>Enters an RCU read-side section; until its end the thread must not sleep.</summary>
    /// <returns>A step.</returns>
    public Step RcuReadLock()
    {
        _atomicDepth++;
        return Signal(StepKind.RcuReadLock, MemoryBank.RcuState, MemoryBank.RcuReaders, 0);
    }

    /// <summary>Leaves an RCU read-side section.</summary>
    /// <returns>A step.</returns>
    public Step RcuReadUnlock()
    {
        _atomicDepth--;
        return Signal(StepKind.RcuReadUnlock, MemoryBank.RcuState, MemoryBank.RcuReaders, 0);
    }

    /// <summary>Waits for all RCU readers. Stricter than a kernel: readers that begin meanwhile are waited for, too.</summary>
    /// <returns>A step.</returns>
    public Step SynchronizeRcu()
    {
        MightSleep("synchronize_rcu");
        return Signal(StepKind.SynchronizeRcu, MemoryBank.RcuState, MemoryBank.RcuReaders, 0);
    }

    /// <summary>Reports when the thread does not hold the mutex (Linux: <c>lockdep_assert_held</c>). Not a step.</summary>
    /// <param name="mutex">The mutex.</param>
    public void AssertHeld(Mutex mutex)
    {
        if (!IsHeld(mutex.Base, mutex.Descriptor))
        {
            Report(FindingKind.LockNotHeld, mutex.Descriptor.Layout.Name, mutex.Descriptor.Name, $"WARNING: {mutex.Descriptor.LockClass!.Name} is not held (lockdep_assert_held)");
        }
    }

    /// <summary>Tells whether the thread holds the lock that a step names.</summary>
    /// <param name="request">The step.</param>
    /// <returns>True when it does.</returns>
    public bool Holds(in StepRequest request) => IsHeld(request.Base, request.Field!);

    private Step Acquire(StepKind kind, Address at, FieldDescriptor descriptor, byte subclass)
    {
        Access(kind, at, descriptor, 0, 0, Marking.Atomic, subclass);
        return new Step(this);
    }

    private Step Release(StepKind kind, Address at, FieldDescriptor descriptor)
    {
        if (!IsHeld(at, descriptor))
        {
            Report(FindingKind.BadUnlock, descriptor.Layout.Name, descriptor.Name, $"{descriptor.LockClass!.Name} is released by {Start.Name}, which does not hold it");
        }

        Access(kind, at, descriptor, 0, 0, Marking.Atomic);
        return new Step(this);
    }

    private Step Signal(StepKind kind, Address at, FieldDescriptor descriptor, ulong value)
    {
        Access(kind, at, descriptor, 0, value, Marking.Atomic);
        return new Step(this);
    }

    private bool IsHeld(Address at, FieldDescriptor descriptor)
    {
        for (var i = HeldCount - 1; i >= 0; i--)
        {
            if (_held[i].Base == at && ReferenceEquals(_held[i].Descriptor, descriptor))
            {
                return true;
            }
        }

        return false;
    }

    private void MightSleep(string what)
    {
        if (_atomicDepth > 0)
        {
            Report(FindingKind.SleepInAtomic, string.Empty, what, $"BUG: sleeping function called from invalid context: {what}");
        }
    }

    private void Push(bool isRead, bool isTry)
    {
        ref var held = ref _held[HeldCount];
        held.Base = Request.Base;
        held.Descriptor = Request.Field!;
        held.Subclass = Request.Subclass;
        held.IsRead = isRead;
        held.Function = Function;
        held.ChainKey = 0;
        HeldCount++;
        if (held.Descriptor.LockClass!.Kind == LockKind.Spin)
        {
            _atomicDepth++;
        }

        _lockdep?.Acquired(this, isTry);
    }

    private void Pop()
    {
        for (var i = HeldCount - 1; i >= 0; i--)
        {
            if (_held[i].Base != Request.Base || !ReferenceEquals(_held[i].Descriptor, Request.Field))
            {
                continue;
            }

            if (_held[i].Descriptor.LockClass!.Kind == LockKind.Spin)
            {
                _atomicDepth--;
            }

            Array.Copy(_held, i + 1, _held, i, HeldCount - i - 1);
            HeldCount--;
            Lockdep.Released(this, i);
            return;
        }
    }

    /// <summary>The held locks, for the lock graph to note its chain keys.</summary>
    internal Span<HeldLock> HeldLocksForUpdate => _held.AsSpan(0, HeldCount);
}
