using System.Numerics;
using System.Runtime.InteropServices;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>
/// Tells which announced steps nobody else can interfere with, so that taking one at once loses no state, no finding and no
/// race. Some are so by nature: an allocation, whose address nobody knows yet; a step in an object whose address never left
/// its thread. Others are taken to be so because in all that was run so far whoever touched the word in a conflicting way
/// was the same thread, or held a lock that the thread holds now. When a later step proves that wrong the search must begin
/// anew, with what was learnt; when none does, the assumption holds in all that can happen (Stoller, Cohen, Optimistic
/// Synchronization-Based State-Space Reduction, TACAS 2003). A critical section all of whose steps are exclusive even
/// without its lock commutes with the others of that lock, so that it can be run as a whole (lazy happens-before). Not so
/// where somebody waits while he holds that lock: who comes too late might then wait for ever.
/// </summary>
internal sealed class ExclusiveSteps
{
    private const int MaxSlots = 64;

    private readonly Dictionary<ulong, Word> _words = [];
    private readonly Dictionary<ulong, Whole> _objects = [];
    private readonly Dictionary<ulong, int> _private = [];
    private readonly List<(ulong Inside, ulong Of)> _stored = [];
    private readonly HashSet<ulong> _heldWaiting = [];
    private readonly HashSet<ulong> _trustedNotToWait = [];
    private readonly List<Held>[] _held = [.. Enumerable.Range(0, MaxSlots).Select(_ => new List<Held>())];
    private readonly int[] _ids = new int[MaxSlots];
    private readonly List<bool> _wereExclusive = [];
    private bool _trustsPrivacy = true;
    private bool _trustsLocks = true;
    private int _count;
    private int _barrier;
    private int _sectionStart;
    private int _sectionThread;
    private ulong _sectionLock;

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

    /// <summary>How far a critical section is of which one hopes that it commutes.</summary>
    public enum SectionState
    {
        /// <summary>Its lock is not released yet; so far nobody could interfere.</summary>
        Open,

        /// <summary>Its lock is released, and nobody could have interfered.</summary>
        Commutes,

        /// <summary>Somebody could have interfered.</summary>
        Broken,
    }

    /// <summary>How far the section of <see cref="BeginSection"/> is.</summary>
    public SectionState Section { get; private set; } = SectionState.Broken;

    /// <summary>True when a step proved an assumption wrong on which an earlier answer was built.</summary>
    public bool WasWrong { get; private set; }

    /// <summary>True to judge each step that is followed, for <see cref="WasExclusive(int)"/>.</summary>
    public bool KeepsSteps { get; init; }

    /// <summary>Begins a schedule.</summary>
    public void BeginSchedule()
    {
        _count = 0;
        _barrier = 0;
        _wereExclusive.Clear();
        Section = SectionState.Broken;
    }

    /// <summary>Tells whether nobody else could interfere with a step that was followed; a sleep lets the others run.</summary>
    /// <param name="step">Its number in the schedule.</param>
    /// <returns>What <see cref="IsExclusive(DeterministicRuntime, KernelThread)"/> would have answered.</returns>
    public bool WasExclusive(int step) => _wereExclusive[step];

    /// <summary>Begins the search anew; what was learnt is kept.</summary>
    public void BeginAnew()
    {
        WasWrong = false;
        _trustedNotToWait.Clear();
        foreach (var word in _words.Values)
        {
            word.Trusted.Clear();
        }

        foreach (var whole in _objects.Values)
        {
            whole.Trusted.Clear();
            whole.TrustedByFrees.Clear();
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

            if (KeepsSteps)
            {
                _wereExclusive.Add(runtime.Trace[_count].Kind != StepKind.Sleep && IsExclusive(runtime.Trace[_count]));
            }

            Follow(runtime.Trace[_count], isKnown: _count < known);
            if (Section == SectionState.Open && _count > _sectionStart)
            {
                FollowSection(runtime.Trace[_count]);
            }
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
            NoteHeld(thread.Slot, thread.Id);
            if (request.Base.IsObject && !_private.ContainsKey(request.Base.Object.Value))
            {
                var touch = TouchOf(request.Kind);
                Note(thread.Slot, thread.Id, WordOf(KeyOf(request.Base, request.Field, request.Index)), touch);
                NoteTouched(thread.Slot, thread.Id, WholeOf(request.Base.Object.Value), touch);
            }
        }
    }

    /// <summary>Takes notice of those who have ended and still hold locks.</summary>
    public void NoteEnd()
    {
        for (var slot = 0; slot < MaxSlots; slot++)
        {
            NoteHeld(slot, _ids[slot]);
        }
    }

    /// <summary>Begins to watch a critical section.</summary>
    /// <param name="thread">The thread; the step that it announces, and takes next, takes the lock.</param>
    /// <returns>False when somebody waited while he held the lock: there is nothing to hope for.</returns>
    public bool BeginSection(KernelThread thread)
    {
        var key = KeyOf(thread.Request.Base, thread.Request.Field, thread.Request.Index);
        if (_heldWaiting.Contains(key) || !_trustsLocks)
        {
            return false;
        }

        _trustedNotToWait.Add(key);
        Section = SectionState.Open;
        _sectionStart = _count;
        _sectionThread = thread.Id;
        _sectionLock = key;
        return true;
    }

    /// <summary>Tells whether the next step of the open section leaves it unbroken.</summary>
    /// <param name="runtime">Where it is announced; all steps before have been followed.</param>
    /// <param name="thread">The section's thread.</param>
    /// <returns>True when nobody can interfere with the step, even without the section's lock.</returns>
    public bool GoesOn(DeterministicRuntime runtime, KernelThread thread)
    {
        var key = KeyOf(thread.Request.Base, thread.Request.Field, thread.Request.Index);
        return !Waits(thread.Request.Kind) && IsExclusive(runtime, thread, EndsSection(thread.Request.Kind, key) ? 0 : _sectionLock);
    }

    /// <summary>Tells whether nobody else can interfere with a thread's announced step, which must be one that it can take now.</summary>
    /// <param name="runtime">Where it is announced; all steps before have been followed.</param>
    /// <param name="thread">The thread.</param>
    /// <returns>True when the step can be taken at once.</returns>
    public bool IsExclusive(DeterministicRuntime runtime, KernelThread thread) => IsExclusive(runtime, thread, except: 0);

    /// <summary>The same of a step that was taken without a choice; all steps before have been followed.</summary>
    private bool IsExclusive(in TraceEntry step)
    {
        switch (step.Kind)
        {
            case StepKind.Allocate:
                return true;
            case StepKind.Spawn:
                return IsTrusted(WordOf(OrderedEvent.Ids), null, Touch.Write, step.Thread, step.Id, except: 0);
        }

        if (!step.Base.IsObject || step.Fault != FaultKind.None)
        {
            return false;
        }

        var made = step.Base.Object.Value;
        if (_private.TryGetValue(made, out var owner) && owner == step.Id && _trustsPrivacy)
        {
            return true;
        }

        if (step.Kind == StepKind.Free)
        {
            return IsTrustedFree(WholeOf(made), step.Thread, step.Id);
        }

        var key = KeyOf(step.Base, step.Field, step.Index);
        var isRelease = OrderedEvent.IsRelease(step.Kind) && FindHeld(step.Thread, step.Id, step.Kind, key) >= 0;
        return IsTrusted(WordOf(key), WholeOf(made), isRelease ? Touch.Release : TouchOf(step.Kind), step.Thread, step.Id, except: 0);
    }

    private bool IsExclusive(DeterministicRuntime runtime, KernelThread thread, ulong except)
    {
        ref readonly var request = ref thread.Request;
        switch (request.Kind)
        {
            case StepKind.Allocate or StepKind.Sleep:
                return true;
            case StepKind.Spawn:
                return IsTrusted(WordOf(OrderedEvent.Ids), null, Touch.Write, thread.Slot, thread.Id, except);
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
            return except == 0 && IsTrustedFree(WholeOf(made), thread.Slot, thread.Id);
        }

        var key = KeyOf(request.Base, request.Field, request.Index);
        var isRelease = OrderedEvent.IsRelease(request.Kind) && FindHeld(thread.Slot, thread.Id, request.Kind, key) >= 0;
        return IsTrusted(WordOf(key), WholeOf(made), isRelease ? Touch.Release : TouchOf(request.Kind), thread.Slot, thread.Id, except);
    }

    /// <summary>Writes what was learnt and what is trusted.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(_trustsPrivacy);
        writer.Write(_trustsLocks);
        Write(writer, [.. _heldWaiting]);
        Write(writer, [.. _trustedNotToWait]);
        writer.Write(_words.Count);
        foreach (var (key, word) in _words)
        {
            writer.Write(key);
            word.Save(writer);
        }

        writer.Write(_objects.Count);
        foreach (var (key, whole) in _objects)
        {
            writer.Write(key);
            whole.Save(writer);
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
        _heldWaiting.UnionWith(Read(reader) ?? []);
        _trustedNotToWait.UnionWith(Read(reader) ?? []);
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            WordOf(reader.ReadUInt64()).Load(reader);
        }

        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            WholeOf(reader.ReadUInt64()).Load(reader);
        }
    }

    private static bool Waits(StepKind kind) =>
        kind is StepKind.Lock or StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu or StepKind.Sleep;

    private void NoteHeld(int slot, int id)
    {
        foreach (var (key, _) in HeldBy(slot, id))
        {
            WasWrong |= _heldWaiting.Add(key) && _trustedNotToWait.Contains(key);
        }
    }

    private bool EndsSection(StepKind kind, ulong key) => kind == StepKind.Unlock && key == _sectionLock;

    /// <summary>Steps that were taken without a choice were not asked for before.</summary>
    private void FollowSection(in TraceEntry step)
    {
        var key = KeyOf(step.Base, step.Field, step.Index);
        var ends = EndsSection(step.Kind, key);
        if (step.Id != _sectionThread || step.Fault != FaultKind.None || Waits(step.Kind) || !WasExclusive(step, key, ends ? 0 : _sectionLock))
        {
            Section = SectionState.Broken;
        }
        else if (ends)
        {
            Section = SectionState.Commutes;
        }
    }

    private bool WasExclusive(in TraceEntry step, ulong key, ulong except)
    {
        if (step.Kind == StepKind.Allocate)
        {
            return true;
        }

        var made = step.Base.Object.Value;
        if (step.Kind is StepKind.Spawn or StepKind.Free or StepKind.Sleep || !step.Base.IsObject)
        {
            return false;
        }

        return (_private.TryGetValue(made, out var owner) && owner == step.Id && _trustsPrivacy)
            || IsTrusted(WordOf(key), WholeOf(made), step.Kind == StepKind.Unlock ? Touch.Release : TouchOf(step.Kind), step.Thread, step.Id, except);
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

        if (!isKnown && (Waits(step.Kind) || step.Fault != FaultKind.None))
        {
            NoteHeld(step.Thread, step.Id);
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
        NoteTouched(step.Thread, step.Id, WholeOf(step.Base.Object.Value), TouchOf(step.Kind));
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

    /// <summary>Whoever frees the object must not come between: the first of the two has a lock that the second one waits for.</summary>
    private void NoteTouched(int slot, int id, Whole whole, Touch touch)
    {
        Narrow(ref whole.Touched, slot, id, any: touch == Touch.Look);
        foreach (var key in whole.TrustedByFrees)
        {
            WasWrong |= !Holds(slot, id, key, any: touch == Touch.Look);
        }
    }

    private void NoteFree(in TraceEntry step)
    {
        var whole = WholeOf(step.Base.Object.Value);
        NoteTouched(step.Thread, step.Id, whole, Touch.Write);
        Narrow(ref whole.Locks, step.Thread, step.Id, any: false);
        foreach (var key in whole.Trusted)
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

    private bool IsTrusted(Word word, Whole? whole, Touch touch, int slot, int id, ulong except)
    {
        var any = touch == Touch.Look;
        foreach (var (trusted, key) in word.Trusted)
        {
            if (trusted == touch && key != except && Holds(slot, id, key, any))
            {
                return true;
            }
        }

        foreach (var (key, isRead) in _trustsLocks ? HeldBy(slot, id) : [])
        {
            if (key != except && (any || !isRead) && Trust(word, whole, touch, key))
            {
                return true;
            }
        }

        return (touch != Touch.Release || _trustsLocks) && Trust(word, whole, touch, (ulong)id);
    }

    private bool IsTrustedFree(Whole whole, int slot, int id)
    {
        foreach (var (key, isRead) in _trustsLocks ? HeldBy(slot, id) : [])
        {
            if (!isRead && whole.TrustForFree(key))
            {
                return true;
            }
        }

        return whole.TrustForFree((ulong)id);
    }

    private static bool Trust(Word word, Whole? whole, Touch touch, ulong key)
    {
        for (var other = Touch.Look; other <= Touch.Try; other++)
        {
            if (Conflict(touch, other) && word.Locks[(int)other] is { } locks && !locks.Contains(key))
            {
                return false;
            }
        }

        if (whole?.Locks is { } freed && !freed.Contains(key))
        {
            return false;
        }

        word.Trusted.Add((touch, key));
        if (whole is not null && !whole.Trusted.Contains(key))
        {
            whole.Trusted.Add(key);
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

    private Whole WholeOf(ulong key)
    {
        if (!_objects.TryGetValue(key, out var whole))
        {
            _objects.Add(key, whole = new Whole());
        }

        return whole;
    }

    private static void Write(BinaryWriter writer, ulong[]? locks)
    {
        writer.Write(locks is not null);
        if (locks is null)
        {
            return;
        }

        writer.Write(locks.Length);
        foreach (var key in locks)
        {
            writer.Write(key);
        }
    }

    private static ulong[]? Read(BinaryReader reader)
    {
        if (!reader.ReadBoolean())
        {
            return null;
        }

        var locks = new ulong[SearchTree.ReadCount(reader)];
        for (var i = 0; i < locks.Length; i++)
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

            for (var left = SearchTree.ReadCount(reader); left > 0; left--)
            {
                Trusted.Add(((Touch)reader.ReadByte(), reader.ReadUInt64()));
            }
        }
    }

    /// <summary>What is known of an object as a whole: a free writes all its words.</summary>
    private sealed class Whole
    {
        /// <summary>The locks that were held at each free, and the thread; null when there was none.</summary>
        public ulong[]? Locks;

        /// <summary>The locks that were held at each touch of one of its words and at each free, and the thread; null when there was none.</summary>
        public ulong[]? Touched;

        /// <summary>What was relied on for its words.</summary>
        public List<ulong> Trusted { get; } = [];

        /// <summary>What was relied on for frees: that whoever touches it holds the lock, or is the thread.</summary>
        public List<ulong> TrustedByFrees { get; } = [];

        public bool TrustForFree(ulong key)
        {
            if (TrustedByFrees.Contains(key))
            {
                return true;
            }

            if (Touched is { } locks && !locks.Contains(key))
            {
                return false;
            }

            TrustedByFrees.Add(key);
            return true;
        }

        public void Save(BinaryWriter writer)
        {
            Write(writer, Locks);
            Write(writer, Touched);
            Write(writer, [.. Trusted]);
            Write(writer, [.. TrustedByFrees]);
        }

        public void Load(BinaryReader reader)
        {
            Locks = Read(reader);
            Touched = Read(reader);
            Trusted.AddRange(Read(reader) ?? []);
            TrustedByFrees.AddRange(Read(reader) ?? []);
        }
    }
}
