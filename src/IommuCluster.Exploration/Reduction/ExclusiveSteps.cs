using System.Numerics;
using System.Runtime.InteropServices;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>
/// Tells which announced steps nobody else can interfere with, so that taking one at once loses no state, no finding and no
/// race. Some are so by nature: an allocation, whose address nobody knows yet; a step in an object whose address never left
/// its thread. Others are taken to be so because in all that was run so far whoever touched the word in a conflicting way
/// was the same thread, or held a lock that the thread holds now. When a later step proves that wrong the search must begin
/// anew, with what was learnt; when none does, the assumption holds in all that can happen (Stoller, Cohen, Optimistic
/// Synchronization-Based State-Space Reduction, TACAS 2003).
/// </summary>
internal sealed class ExclusiveSteps
{
    private const int MaxSlots = 64;

    private readonly Dictionary<ulong, Word> _words = [];
    private readonly Dictionary<ulong, Frees> _objects = [];
    private readonly Dictionary<ulong, int> _private = [];
    private readonly List<(ulong Inside, ulong Of)> _stored = [];
    private readonly List<Held>[] _held = [.. Enumerable.Range(0, MaxSlots).Select(_ => new List<Held>())];
    private readonly int[] _ids = new int[MaxSlots];
    private bool _trustsPrivacy = true;
    private bool _trustsLocks = true;
    private int _count;
    private int _barrier;

    /// <summary>How a step touches its word.</summary>
    private enum Touch
    {
        Look,
        Share,
        Write,

        /// <summary>Can tell when a lock is released without waiting for it.</summary>
        Try,

        /// <summary>Ends a critical section of its own. Never noted: those who wait cannot tell when.</summary>
        Release,
    }

    /// <summary>True when a step proved an assumption wrong on which an earlier answer was built.</summary>
    public bool WasWrong { get; private set; }

    /// <summary>Begins a schedule.</summary>
    public void BeginSchedule()
    {
        _count = 0;
        _barrier = 0;
    }

    /// <summary>Begins the search anew; what was learnt is kept.</summary>
    public void BeginAnew()
    {
        WasWrong = false;
        foreach (var word in _words.Values)
        {
            word.Trusted.Clear();
        }

        foreach (var frees in _objects.Values)
        {
            frees.Trusted.Clear();
        }
    }

    /// <summary>Takes notice of the steps since it was asked last.</summary>
    /// <param name="runtime">Where they were taken.</param>
    /// <param name="known">Number of steps that an earlier schedule began with as well.</param>
    public void Follow(DeterministicRuntime runtime, int known)
    {
        for (; _count < runtime.Trace.Count; _count++)
        {
            for (; _barrier < runtime.Barriers.Count && runtime.Barriers[_barrier].Step <= _count; _barrier++)
            {
                if (runtime.Barriers[_barrier].IsStage)
                {
                    BeginStage();
                }
            }

            Follow(runtime.Trace[_count], isKnown: _count < known);
        }
    }

    /// <summary>
    /// Takes notice of those who wait: they may have lost what they wait for to a step that was taken at once, and then
    /// never get to show that they touch it.
    /// </summary>
    /// <param name="runtime">Where they wait; all steps so far have been followed.</param>
    public void NoteWaiting(DeterministicRuntime runtime)
    {
        for (var waiting = runtime.Waiting; waiting != 0; waiting &= waiting - 1)
        {
            var thread = runtime.Thread(BitOperations.TrailingZeroCount(waiting));
            ref readonly var request = ref thread.Request;
            if (request.Base.IsObject && !_private.ContainsKey(request.Base.Object.Value))
            {
                Note(thread.Slot, thread.Id, WordOf(KeyOf(request.Base, request.Field, request.Index)), TouchOf(request.Kind));
            }
        }
    }

    /// <summary>Tells whether nobody else can interfere with a thread's announced step, which must be one that it can take now.</summary>
    /// <param name="runtime">Where it is announced; all steps before have been followed.</param>
    /// <param name="thread">The thread.</param>
    /// <returns>True when the step can be taken at once.</returns>
    public bool IsExclusive(DeterministicRuntime runtime, KernelThread thread)
    {
        ref readonly var request = ref thread.Request;
        switch (request.Kind)
        {
            case StepKind.Allocate or StepKind.Sleep:
                return true;
            case StepKind.Spawn:
                return IsTrusted(WordOf(OrderedEvent.Ids), null, Touch.Write, thread);
        }

        // An oops ends the schedule: whatever the others do must be seen apart from it.
        if (!request.Base.IsObject || runtime.Bank.Peek(request.Base, (request.Field?.Word ?? 0) + request.Index) is null)
        {
            return false;
        }

        var made = request.Base.Object.Value;
        if (_private.TryGetValue(made, out var owner) && owner == thread.Id && _trustsPrivacy)
        {
            return true;
        }

        if (request.Kind == StepKind.Free)
        {
            return false;
        }

        var key = KeyOf(request.Base, request.Field, request.Index);
        var isRelease = OrderedEvent.IsRelease(request.Kind) && FindHeld(thread.Slot, thread.Id, request.Kind, key) >= 0;
        return IsTrusted(WordOf(key), FreesOf(made), isRelease ? Touch.Release : TouchOf(request.Kind), thread);
    }

    /// <summary>Writes what was learnt and what is trusted.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(_trustsPrivacy);
        writer.Write(_trustsLocks);
        writer.Write(_words.Count);
        foreach (var (key, word) in _words)
        {
            writer.Write(key);
            word.Save(writer);
        }

        writer.Write(_objects.Count);
        foreach (var (key, frees) in _objects)
        {
            writer.Write(key);
            frees.Save(writer);
        }
    }

    /// <summary>Takes up what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    public void Load(BinaryReader reader)
    {
        _words.Clear();
        _objects.Clear();
        _trustsPrivacy = reader.ReadBoolean();
        _trustsLocks = reader.ReadBoolean();
        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            WordOf(reader.ReadUInt64()).Load(reader);
        }

        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            FreesOf(reader.ReadUInt64()).Load(reader);
        }
    }

    private static Touch TouchOf(StepKind kind) => kind switch
    {
        StepKind.Load or StepKind.WaitEvent => Touch.Look,
        StepKind.ReadLock or StepKind.ReadUnlock or StepKind.RcuReadLock or StepKind.RcuReadUnlock => Touch.Share,
        _ => Touch.Write,
    };

    private static ulong KeyOf(Address at, FieldDescriptor? field, int index) => at.Plus((field?.Word ?? 0) + index).Value;

    private static bool Conflict(Touch trusted, Touch other) => trusted switch
    {
        Touch.Look => other is Touch.Share or Touch.Write,
        Touch.Share => other is Touch.Look or Touch.Write,
        Touch.Write => other is not Touch.Try, // Who tries is noted as one who writes, too.
        Touch.Release => other is Touch.Look or Touch.Try,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private void BeginStage()
    {
        _private.Clear();
        _stored.Clear();
        Array.Clear(_ids);
    }

    private void Follow(in TraceEntry step, bool isKnown)
    {
        if (_ids[step.Thread] != step.Id)
        {
            _ids[step.Thread] = step.Id;
            _held[step.Thread].Clear();
        }

        if (step.Kind == StepKind.Allocate)
        {
            _private[step.Base.Object.Value] = step.Id;
            return;
        }

        if (step.Kind == StepKind.Spawn)
        {
            EscapeAll(step.Id); // The body may know whatever its parent knows.
            if (!isKnown)
            {
                Note(step.Thread, step.Id, WordOf(OrderedEvent.Ids), Touch.Write);
            }

            return;
        }

        if (!step.Base.IsObject)
        {
            return;
        }

        var isPrivate = IsPrivateTo(step);
        if (step.Kind is StepKind.Store or StepKind.Add or StepKind.Exchange or StepKind.CompareExchange)
        {
            Publish(step, isPrivate);
        }

        if (!isPrivate && !isKnown)
        {
            Note(step);
        }

        FollowLocks(step);
    }

    private bool IsPrivateTo(in TraceEntry step)
    {
        if (!_private.TryGetValue(step.Base.Object.Value, out var owner))
        {
            return false;
        }

        if (owner == step.Id)
        {
            return true;
        }

        // Somebody knows an address that was never stored as it is: this kind of program hides them.
        WasWrong |= _trustsPrivacy;
        _trustsPrivacy = false;
        return false;
    }

    private void Publish(in TraceEntry step, bool isPrivate)
    {
        var value = new Address(step.Value);
        if (!value.IsObject || !_private.ContainsKey(value.Object.Value))
        {
            return;
        }

        if (isPrivate)
        {
            _stored.Add((value.Object.Value, step.Base.Object.Value));
        }
        else
        {
            Escape(value.Object.Value);
        }
    }

    private void Escape(ulong made)
    {
        if (!_private.Remove(made))
        {
            return;
        }

        for (var i = 0; i < _stored.Count; i++)
        {
            if (_stored[i].Of == made)
            {
                Escape(_stored[i].Inside);
            }
        }
    }

    private void EscapeAll(int thread)
    {
        foreach (var (made, owner) in _private)
        {
            if (owner == thread)
            {
                _private.Remove(made);
            }
        }
    }

    private void Note(in TraceEntry step)
    {
        if (step.Kind == StepKind.Free)
        {
            NoteFree(step);
            return;
        }

        var word = WordOf(KeyOf(step.Base, step.Field, step.Index));
        Note(step.Thread, step.Id, word, TouchOf(step.Kind));
        if (step.Kind == StepKind.TryLock)
        {
            Note(step.Thread, step.Id, word, Touch.Try);
        }
    }

    private void Note(int slot, int id, Word word, Touch touch)
    {
        Narrow(ref word.Locks[(int)touch], slot, id, any: touch == Touch.Look);
        foreach (var (trusted, key) in word.Trusted)
        {
            WasWrong |= Conflict(trusted, touch) && !Holds(slot, id, key, any: touch == Touch.Look);
        }
    }

    private void NoteFree(in TraceEntry step)
    {
        var frees = FreesOf(step.Base.Object.Value);
        Narrow(ref frees.Locks, step.Thread, step.Id, any: false);
        foreach (var key in frees.Trusted)
        {
            WasWrong |= !Holds(step.Thread, step.Id, key, any: false);
        }
    }

    /// <summary>Leaves the locks that were held at each such step so far.</summary>
    private void Narrow(ref ulong[]? locks, int slot, int id, bool any)
    {
        if (locks is null)
        {
            var held = new HashSet<ulong> { (ulong)id };
            foreach (var (key, isRead) in HeldBy(slot, id))
            {
                if (any || !isRead)
                {
                    held.Add(key);
                }
            }

            locks = [.. held];
            return;
        }

        foreach (var key in locks)
        {
            if (!Holds(slot, id, key, any))
            {
                locks = Without(locks, slot, id, any);
                return;
            }
        }
    }

    private ulong[] Without(ulong[] locks, int slot, int id, bool any) => [.. locks.Where(key => Holds(slot, id, key, any))];

    private bool Holds(int slot, int id, ulong key, bool any)
    {
        if (key == (ulong)id)
        {
            return true;
        }

        foreach (var held in HeldBy(slot, id))
        {
            if (held.Key == key && (any || !held.IsRead))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The locks of a thread that may not have taken a step yet, in the slot of one that ended.</summary>
    private ReadOnlySpan<Held> HeldBy(int slot, int id) => _ids[slot] == id ? CollectionsMarshal.AsSpan(_held[slot]) : [];

    private int FindHeld(int slot, int id, StepKind release, ulong key)
    {
        var held = HeldBy(slot, id);
        var index = held.Length - 1;
        while (index >= 0 && held[index] != new Held(key, IsRead: release != StepKind.Unlock))
        {
            index--;
        }

        return index;
    }

    private void FollowLocks(in TraceEntry step)
    {
        var key = KeyOf(step.Base, step.Field, step.Index);
        switch (step.Kind)
        {
            case StepKind.Lock or StepKind.ReadLock or StepKind.RcuReadLock:
            case StepKind.TryLock when step.Result != 0:
                _held[step.Thread].Add(new Held(key, step.Kind is StepKind.ReadLock or StepKind.RcuReadLock));
                break;
            case StepKind.Unlock or StepKind.ReadUnlock or StepKind.RcuReadUnlock:
                if (FindHeld(step.Thread, step.Id, step.Kind, key) is >= 0 and var index)
                {
                    _held[step.Thread].RemoveAt(index);
                }
                else
                {
                    // Who releases what another one holds lets a third one in: no lock protects anything.
                    WasWrong |= _trustsLocks;
                    _trustsLocks = false;
                }

                break;
        }
    }

    private bool IsTrusted(Word word, Frees? frees, Touch touch, KernelThread thread)
    {
        var any = touch == Touch.Look;
        foreach (var (trusted, key) in word.Trusted)
        {
            if (trusted == touch && Holds(thread.Slot, thread.Id, key, any))
            {
                return true;
            }
        }

        foreach (var (key, isRead) in _trustsLocks ? HeldBy(thread.Slot, thread.Id) : [])
        {
            if ((any || !isRead) && Trust(word, frees, touch, key))
            {
                return true;
            }
        }

        return (touch != Touch.Release || _trustsLocks) && Trust(word, frees, touch, (ulong)thread.Id);
    }

    private static bool Trust(Word word, Frees? frees, Touch touch, ulong key)
    {
        for (var other = Touch.Look; other <= Touch.Try; other++)
        {
            if (Conflict(touch, other) && word.Locks[(int)other] is { } locks && !locks.Contains(key))
            {
                return false;
            }
        }

        if (frees?.Locks is { } freed && !freed.Contains(key))
        {
            return false;
        }

        word.Trusted.Add((touch, key));
        if (frees is not null && !frees.Trusted.Contains(key))
        {
            frees.Trusted.Add(key);
        }

        return true;
    }

    private Word WordOf(ulong key)
    {
        if (!_words.TryGetValue(key, out var word))
        {
            _words.Add(key, word = new Word());
        }

        return word;
    }

    private Frees FreesOf(ulong key)
    {
        if (!_objects.TryGetValue(key, out var frees))
        {
            _objects.Add(key, frees = new Frees());
        }

        return frees;
    }

    private static void Write(BinaryWriter writer, ulong[]? locks)
    {
        writer.Write(locks?.Length ?? -1);
        foreach (var key in locks ?? [])
        {
            writer.Write(key);
        }
    }

    private static ulong[]? Read(BinaryReader reader)
    {
        var count = reader.ReadInt32();
        if (count < 0)
        {
            return null;
        }

        var locks = new ulong[count];
        for (var i = 0; i < count; i++)
        {
            locks[i] = reader.ReadUInt64();
        }

        return locks;
    }

    private readonly record struct Held(ulong Key, bool IsRead);

    /// <summary>What is known of a word.</summary>
    private sealed class Word
    {
        /// <summary>By <see cref="Touch"/>: the locks that were held, and the thread if it was always the same; null when nobody touched it so.</summary>
        public ulong[]?[] Locks { get; } = new ulong[]?[(int)Touch.Try + 1];

        /// <summary>What was relied on: that who conflicts with such a touch holds the lock, or is the thread.</summary>
        public List<(Touch Touch, ulong Key)> Trusted { get; } = [];

        public void Save(BinaryWriter writer)
        {
            foreach (var locks in Locks)
            {
                Write(writer, locks);
            }

            writer.Write(Trusted.Count);
            foreach (var (touch, key) in Trusted)
            {
                writer.Write((byte)touch);
                writer.Write(key);
            }
        }

        public void Load(BinaryReader reader)
        {
            for (var i = 0; i < Locks.Length; i++)
            {
                Locks[i] = Read(reader);
            }

            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                Trusted.Add(((Touch)reader.ReadByte(), reader.ReadUInt64()));
            }
        }
    }

    /// <summary>What is known of the frees of an object.</summary>
    private sealed class Frees
    {
        /// <summary>The locks that were held at each, and the thread; null when there was none.</summary>
        public ulong[]? Locks;

        /// <summary>What was relied on for its words.</summary>
        public List<ulong> Trusted { get; } = [];

        public void Save(BinaryWriter writer)
        {
            Write(writer, Locks);
            writer.Write(Trusted.Count);
            foreach (var key in Trusted)
            {
                writer.Write(key);
            }
        }

        public void Load(BinaryReader reader)
        {
            Locks = Read(reader);
            for (var left = reader.ReadInt32(); left > 0; left--)
            {
                Trusted.Add(reader.ReadUInt64());
            }
        }
    }
}
