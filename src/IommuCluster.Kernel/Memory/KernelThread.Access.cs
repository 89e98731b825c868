using IommuCluster.Kernel.Checking;

namespace IommuCluster.Kernel.Memory;

/// <content>The verbs that read, write, make and free.</content>
public sealed partial class KernelThread
{
    /// <summary>Reads a word.</summary>
    /// <typeparam name="T">The word's type.</typeparam>
    /// <param name="field">The word.</param>
    /// <param name="marking">How the release marks the access.</param>
    /// <returns>A step that answers the word.</returns>
    public Step<T> Load<T>(Field<T> field, Marking marking = Marking.Plain)
        where T : unmanaged
    {
        Access(StepKind.Load, field, 0, marking);
        return new Step<T>(this);
    }

    /// <summary>Reads a word with <c>READ_ONCE</c>.</summary>
    /// <typeparam name="T">The word's type.</typeparam>
    /// <param name="field">The word.</param>
    /// <returns>A step that answers the word.</returns>
    public Step<T> ReadOnce<T>(Field<T> field)
        where T : unmanaged => Load(field, Marking.Once);

    /// <summary>Writes a word.</summary>
    /// <typeparam name="T">The word's type.</typeparam>
    /// <param name="field">The word.</param>
    /// <param name="value">The new value.</param>
    /// <param name="marking">How the release marks the access.</param>
    /// <returns>A step.</returns>
    public Step Store<T>(Field<T> field, T value, Marking marking = Marking.Plain)
        where T : unmanaged
    {
        Access(StepKind.Store, field, Word.From(value), marking);
        return new Step(this);
    }

    /// <summary>Writes a word with <c>WRITE_ONCE</c>.</summary>
    /// <typeparam name="T">The word's type.</typeparam>
    /// <param name="field">The word.</param>
    /// <param name="value">The new value.</param>
    /// <returns>A step.</returns>
    public Step WriteOnce<T>(Field<T> field, T value)
        where T : unmanaged => Store(field, value, Marking.Once);

    /// <summary>Adds to a word in one step (Linux: <c>atomic_add_return</c>).</summary>
    /// <param name="field">The word.</param>
    /// <param name="value">What to add; negative to take away.</param>
    /// <param name="marking">What it orders: <see cref="Marking.Once"/> for one that orders nothing (<c>atomic_inc</c>).</param>
    /// <returns>A step that answers the new value.</returns>
    public Step<long> AtomicAdd(Field<long> field, long value, Marking marking = Marking.Atomic)
    {
        Access(StepKind.Add, field, unchecked((ulong)value), marking);
        return new Step<long>(this);
    }

    /// <summary>Writes a word and answers the old one in one step (Linux: <c>xchg</c>).</summary>
    /// <typeparam name="T">The word's type.</typeparam>
    /// <param name="field">The word.</param>
    /// <param name="value">The new value.</param>
    /// <returns>A step that answers the old value.</returns>
    public Step<T> Exchange<T>(Field<T> field, T value)
        where T : unmanaged
    {
        Access(StepKind.Exchange, field, Word.From(value), Marking.Atomic);
        return new Step<T>(this);
    }

    /// <summary>Writes a word if it holds the expected value (Linux: <c>cmpxchg</c>).</summary>
    /// <typeparam name="T">The word's type.</typeparam>
    /// <param name="field">The word.</param>
    /// <param name="expected">The value it must hold.</param>
    /// <param name="value">The new value.</param>
    /// <returns>A step that answers the old value.</returns>
    public Step<T> CompareExchange<T>(Field<T> field, T expected, T value)
        where T : unmanaged
    {
        Request.Expected = Word.From(expected);
        Access(StepKind.CompareExchange, field, Word.From(value), Marking.Atomic);
        return new Step<T>(this);
    }

    /// <summary>Takes a reference (Linux: <c>refcount_inc</c>); from 0 it is reported, as refcount_t warns.</summary>
    /// <param name="count">The count.</param>
    /// <returns>Completes when the count is taken.</returns>
    public async Flow RefcountInc(Field<long> count)
    {
        if (await AtomicAdd(count, 1, Marking.Once) <= 1) // Orders nothing: Documentation/core-api/refcount-vs-atomic.rst.
        {
            Report(FindingKind.RefCount, count.Descriptor.Layout.Name, count.Descriptor.Name, "refcount_t: addition on 0; use-after-free.");
        }
    }

    /// <summary>Drops a reference (Linux: <c>refcount_dec_and_test</c>); below 0 it is reported.</summary>
    /// <param name="count">The count.</param>
    /// <returns>True when it was the last one.</returns>
    public async Flow<bool> RefcountDecAndTest(Field<long> count)
    {
        var left = await AtomicAdd(count, -1, Marking.Ordered);
        if (left < 0)
        {
            Report(FindingKind.RefCount, count.Descriptor.Layout.Name, count.Descriptor.Name, "refcount_t: underflow; use-after-free.");
        }

        return left == 0;
    }

    /// <summary>Makes a zeroed object (Linux: <c>kzalloc</c> with <c>GFP_KERNEL</c>; may sleep).</summary>
    /// <typeparam name="T">The object's type.</typeparam>
    /// <param name="home">Who owns it.</param>
    /// <param name="tail">Words of the array that ends it.</param>
    /// <returns>A step that answers the object.</returns>
    public Step<T> Allocate<T>(Home home, int tail = 0)
        where T : unmanaged, IKernelObject<T>
    {
        MightSleep("kzalloc(GFP_KERNEL)");
        return AllocateAtomic<T>(home, tail);
    }

    /// <summary>Makes a zeroed object without sleeping (Linux: <c>kzalloc</c> with <c>GFP_ATOMIC</c>).</summary>
    /// <typeparam name="T">The object's type.</typeparam>
    /// <param name="home">Who owns it.</param>
    /// <param name="tail">Words of the array that ends it.</param>
    /// <returns>A step that answers the object.</returns>
    public Step<T> AllocateAtomic<T>(Home home, int tail = 0)
        where T : unmanaged, IKernelObject<T>
    {
        Request.Layout = T.Layout;
        Access(StepKind.Allocate, Address.Create(home, Id, _allocations++), null, 0, (ulong)(T.Layout.Words + tail), Marking.Plain);
        return new Step<T>(this);
    }

    /// <summary>Makes an object that is a home of its own: a group or a domain.</summary>
    /// <typeparam name="T">The object's type.</typeparam>
    /// <param name="kind"><see cref="HomeKind.Group"/> or <see cref="HomeKind.Domain"/>.</param>
    /// <param name="tail">Words of the array that ends it.</param>
    /// <returns>A step that answers the object.</returns>
    public Step<T> AllocateHome<T>(HomeKind kind, int tail = 0)
        where T : unmanaged, IKernelObject<T> => Allocate<T>(Home.MadeBy(kind, Id, _homes++), tail);

    /// <summary>Frees and poisons an object (Linux: <c>kfree</c>); NULL is legal.</summary>
    /// <typeparam name="T">The object's type.</typeparam>
    /// <param name="thing">The object.</param>
    /// <returns>A step.</returns>
    public Step Free<T>(T thing)
        where T : unmanaged, IKernelObject<T>
    {
        Access(StepKind.Free, thing.Address, null, 0, 0, Marking.Plain);
        return new Step(this);
    }

    /// <summary>Starts a thread.</summary>
    /// <param name="start">What it runs.</param>
    /// <returns>A step.</returns>
    public Step Spawn(ThreadStart start)
    {
        Spawned = start;
        Access(StepKind.Spawn, Address.Null, null, 0, 0, Marking.Plain);
        return new Step(this);
    }

    /// <summary>Sleeps on the virtual clock, which moves on only when no thread can run.</summary>
    /// <param name="duration">How long.</param>
    /// <returns>A step.</returns>
    public Step Sleep(TimeSpan duration)
    {
        MightSleep("sleep");
        Access(StepKind.Sleep, Address.Null, null, 0, (ulong)duration.Ticks, Marking.Plain);
        return new Step(this);
    }
}
