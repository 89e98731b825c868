using System.Numerics;
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
    private readonly Dictionary<ulong, TouchedWord> _words = [];
    private readonly Dictionary<ulong, TouchedObject> _objects = [];
    private readonly PrivateObjects _private = new();
    private readonly HeldLocks _held = new();
    private readonly HashSet<ulong> _heldWaiting = [];
    private readonly HashSet<ulong> _trustedNotToWait = [];
    private readonly List<bool> _wereExclusive = [];
    private bool _trustsPrivacy = true;
    private bool _trustsLocks = true;
    private int _count;
    private int _barrier;
    private int _sectionStart;
    private int _sectionThread;
    private ulong _sectionLock;

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
                    _private.BeginStage();
                    _held.BeginStage();
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
            var actor = Actor.Of(thread);
            NoteHeld(actor);
            if (request.Base.IsObject && _private.OwnerOf(request.Base.Object.Value) is null)
            {
                var touch = Touches.Of(request.Kind);
                Note(actor, WordOf(KeyOf(request.Base, request.Field, request.Index)), touch);
                NoteTouched(actor, WholeOf(request.Base.Object.Value), touch);
            }
        }
    }

    /// <summary>Takes notice of those who have ended and still hold locks.</summary>
    public void NoteEnd()
    {
        for (var slot = 0; slot < HeldLocks.MaxSlots; slot++)
        {
            NoteHeld(_held.LastIn(slot));
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
    private bool IsExclusive(in TraceEntry step) =>
        IsExclusive(Actor.Of(step), step.Kind, step.Base, KeyOf(step.Base, step.Field, step.Index), isSound: step.Fault == FaultKind.None, except: 0);

    private bool IsExclusive(DeterministicRuntime runtime, KernelThread thread, ulong except)
    {
        ref readonly var request = ref thread.Request;
        var isSound = request.Base.IsObject && runtime.Bank.Peek(request.Base, (request.Field?.Word ?? 0) + request.Index) is not null;
        return request.Kind == StepKind.Sleep || IsExclusive(Actor.Of(thread), request.Kind, request.Base, KeyOf(request.Base, request.Field, request.Index), isSound, except);
    }

    private bool IsExclusive(Actor actor, StepKind kind, Address at, ulong key, bool isSound, ulong except)
    {
        switch (kind)
        {
            case StepKind.Allocate:
                return true;
            case StepKind.Spawn:
                return IsTrusted(actor, WordOf(OrderedEvent.Ids), null, Touch.Write, except);
        }

        // An oops ends the schedule: whatever the others do must be seen apart from it.
        if (!at.IsObject || !isSound)
        {
            return false;
        }

        var made = at.Object.Value;
        if (IsPrivate(made, actor))
        {
            return true;
        }

        if (kind == StepKind.Free)
        {
            return except == 0 && IsTrustedFree(actor, WholeOf(made));
        }

        return IsTrusted(actor, WordOf(key), WholeOf(made), _held.IsOwnRelease(actor, kind, key) ? Touch.Release : Touches.Of(kind), except);
    }

    private bool IsPrivate(ulong made, Actor actor) => _trustsPrivacy && _private.OwnerOf(made) == actor.Id;

    /// <summary>Writes what was learnt and what is trusted.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(_trustsPrivacy);
        writer.Write(_trustsLocks);
        LockSet.Write(writer, [.. _heldWaiting]);
        LockSet.Write(writer, [.. _trustedNotToWait]);
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
        _heldWaiting.UnionWith(LockSet.Read(reader) ?? []);
        _trustedNotToWait.UnionWith(LockSet.Read(reader) ?? []);
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

    private void NoteHeld(Actor actor)
    {
        foreach (var (key, _) in _held.Of(actor))
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

        var actor = Actor.Of(step);
        return IsPrivate(made, actor) || IsTrusted(actor, WordOf(key), WholeOf(made), step.Kind == StepKind.Unlock ? Touch.Release : Touches.Of(step.Kind), except);
    }

    private static ulong KeyOf(Address at, FieldDescriptor? field, int index) => at.Plus((field?.Word ?? 0) + index).Value;

    private void Follow(in TraceEntry step, bool isKnown)
    {
        var actor = Actor.Of(step);
        _held.Meet(actor);
        if (step.Kind == StepKind.Allocate)
        {
            _private.Add(step.Base.Object.Value, step.Id);
            return;
        }

        if (step.Kind == StepKind.Spawn)
        {
            _private.EscapeAll(step.Id); // The body may know whatever its parent knows.
            if (!isKnown)
            {
                Note(actor, WordOf(OrderedEvent.Ids), Touch.Write);
            }

            return;
        }

        if (!isKnown && (Waits(step.Kind) || step.Fault != FaultKind.None))
        {
            NoteHeld(actor);
        }

        if (!step.Base.IsObject)
        {
            return;
        }

        var isPrivate = IsPrivateTo(step);
        _private.Publish(step, isPrivate);
        if (!isPrivate && !isKnown)
        {
            Note(step);
        }

        if (!_held.Follow(step, KeyOf(step.Base, step.Field, step.Index)))
        {
            // Who releases what another one holds lets a third one in: no lock protects anything.
            WasWrong |= _trustsLocks;
            _trustsLocks = false;
        }
    }

    private bool IsPrivateTo(in TraceEntry step)
    {
        if (_private.OwnerOf(step.Base.Object.Value) is not { } owner)
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

    private void Note(in TraceEntry step)
    {
        if (step.Kind == StepKind.Free)
        {
            NoteFree(step);
            return;
        }

        var (actor, touch) = (Actor.Of(step), Touches.Of(step.Kind));
        var word = WordOf(KeyOf(step.Base, step.Field, step.Index));
        Note(actor, word, touch);
        NoteTouched(actor, WholeOf(step.Base.Object.Value), touch);
        if (step.Kind == StepKind.TryLock)
        {
            Note(actor, word, Touch.Try);
        }
    }

    private void Note(Actor actor, TouchedWord word, Touch touch)
    {
        word.Locks[(int)touch] = _held.Narrow(word.Locks[(int)touch], actor, any: touch == Touch.Look);
        foreach (var (trusted, key) in word.Trusted)
        {
            WasWrong |= Touches.Conflict(trusted, touch) && !_held.Holds(actor, key, any: touch == Touch.Look);
        }
    }

    /// <summary>Whoever frees the object must not come between: the first of the two has a lock that the second one waits for.</summary>
    private void NoteTouched(Actor actor, TouchedObject whole, Touch touch)
    {
        whole.Touched = _held.Narrow(whole.Touched, actor, any: touch == Touch.Look);
        foreach (var key in whole.TrustedByFrees)
        {
            WasWrong |= !_held.Holds(actor, key, any: touch == Touch.Look);
        }
    }

    private void NoteFree(in TraceEntry step)
    {
        var actor = Actor.Of(step);
        var whole = WholeOf(step.Base.Object.Value);
        NoteTouched(actor, whole, Touch.Write);
        whole.Freed = _held.Narrow(whole.Freed, actor, any: false);
        foreach (var key in whole.Trusted)
        {
            WasWrong |= !_held.Holds(actor, key, any: false);
        }
    }

    private bool IsTrusted(Actor actor, TouchedWord word, TouchedObject? whole, Touch touch, ulong except)
    {
        var any = touch == Touch.Look;
        foreach (var (trusted, key) in word.Trusted)
        {
            if (trusted == touch && key != except && _held.Holds(actor, key, any))
            {
                return true;
            }
        }

        foreach (var (key, isRead) in _trustsLocks ? _held.Of(actor) : [])
        {
            if (key != except && (any || !isRead) && word.Trust(whole, touch, key))
            {
                return true;
            }
        }

        return (touch != Touch.Release || _trustsLocks) && word.Trust(whole, touch, (ulong)actor.Id);
    }

    private bool IsTrustedFree(Actor actor, TouchedObject whole)
    {
        foreach (var (key, isRead) in _trustsLocks ? _held.Of(actor) : [])
        {
            if (!isRead && whole.TrustForFree(key))
            {
                return true;
            }
        }

        return whole.TrustForFree((ulong)actor.Id);
    }

    private TouchedWord WordOf(ulong key)
    {
        if (!_words.TryGetValue(key, out var word))
        {
            _words.Add(key, word = new TouchedWord());
        }

        return word;
    }

    private TouchedObject WholeOf(ulong key)
    {
        if (!_objects.TryGetValue(key, out var whole))
        {
            _objects.Add(key, whole = new TouchedObject());
        }

        return whole;
    }
}
