using System.Numerics;
using System.Runtime.CompilerServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>A 128-bit hash of a set: terms are added and taken out in any order.</summary>
/// <param name="Low">Lower half.</param>
/// <param name="High">Upper half.</param>
public readonly record struct StateHash(ulong Low, ulong High)
{
    /// <summary>Adds another hash.</summary>
    /// <param name="other">The other.</param>
    /// <returns>The sum.</returns>
    public StateHash Plus(StateHash other) => unchecked(new(Low + other.Low, High + other.High));

    /// <summary>Takes out another hash.</summary>
    /// <param name="other">The other.</param>
    /// <returns>The difference.</returns>
    public StateHash Minus(StateHash other) => unchecked(new(Low - other.Low, High - other.High));

    /// <summary>The term of one fact.</summary>
    /// <param name="place">Where.</param>
    /// <param name="value">What.</param>
    /// <returns>Its hash.</returns>
    public static StateHash Of(ulong place, ulong value)
    {
        unchecked
        {
            var low = Mix((place * 0x9e3779b97f4a7c15) ^ Mix(value + 0x632be59bd9b4e019));
            return new StateHash(low, Mix(low ^ (place + 0xd6e8feb86659fd93) ^ BitOperations.RotateLeft(value, 31)));
        }
    }

    /// <summary>A bijection of 64 bits that spreads every bit (the finaliser of SplitMix64; Steele et al., OOPSLA 2014).</summary>
    /// <param name="word">The word.</param>
    /// <returns>The mixed word.</returns>
    public static ulong Mix(ulong word)
    {
        unchecked
        {
            word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
            word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
            return word ^ (word >> 31);
        }
    }
}

/// <summary>
/// A bank of words, objects and locks, and the one method that applies a step to it. Both runtimes drive it: the
/// deterministic one holds one bank a SoC, each grain holds one of its own. It never blocks and knows no thread.
/// </summary>
public sealed class MemoryBank
{
    /// <summary>The layout of the object that counts RCU readers; the bank's own first object.</summary>
    public static readonly Layout RcuLayout = new("rcu_state");

    /// <summary>The number of RCU read-side sections that threads are in.</summary>
    public static readonly FieldDescriptor RcuReaders = RcuLayout.Word("readers", 0, 0);

    /// <summary>Where the RCU readers are counted.</summary>
    public static readonly Address RcuState = Address.Create(Home.Soc, thread: 0, count: 0);

    private const ulong FreedTerm = 0xf4eed;

    private readonly bool _hashing;
    private ulong[] _words = new ulong[64]; // Small: on a cluster every device and domain has a bank of its own.
    private int _wordCount;
    private ObjectRecord[] _objects = new ObjectRecord[8];
    private int _objectCount;
    private int[] _index = new int[16];
    private int _indexShift = 64 - 4;
    private UndoEntry[] _undo = new UndoEntry[4];
    private int _undoCount;
    private int _snapshotWords;
    private int _snapshotObjects;
    private StateHash _hash;
    private StateHash _snapshotHash;

    /// <summary>Makes an empty bank.</summary>
    /// <param name="hashing">True to keep <see cref="Hash"/> up to date, for searches over states.</param>
    public MemoryBank(bool hashing = false)
    {
        _hashing = hashing;
        Insert(RcuState, RcuLayout, RcuLayout.Words);
        TakeSnapshot();
    }

    /// <summary>A hash of all words and objects, independent of the order in which they came to be. Zero unless hashing.</summary>
    public StateHash Hash => _hash;

    /// <summary>Number of words in use.</summary>
    public int WordCount => _wordCount;

    /// <summary>Number of objects ever made since the snapshot's start, freed ones among them.</summary>
    public int ObjectCount => _objectCount;

    /// <summary>Makes the present state the one that <see cref="Reset"/> goes back to.</summary>
    public void TakeSnapshot()
    {
        _snapshotWords = _wordCount;
        _snapshotObjects = _objectCount;
        _snapshotHash = _hash;
        _undoCount = 0;
    }

    /// <summary>Goes back to the snapshot. Costs what was changed since, not what exists.</summary>
    public void Reset()
    {
        while (_undoCount > 0)
        {
            ref var entry = ref _undo[--_undoCount];
            if (entry.Slot >= 0)
            {
                _words[entry.Slot] = entry.Word;
            }
            else
            {
                _objects[~entry.Slot].Freed = false;
            }
        }

        while (_objectCount > _snapshotObjects)
        {
            // The index only ever grew since the snapshot, so the youngest entry ends its probe chain.
            _index[FindIndexSlot(_objects[--_objectCount].Key)] = 0;
        }

        _wordCount = _snapshotWords;
        _hash = _snapshotHash;
    }

    /// <summary>Finds the object of a step, once, when the step is announced.</summary>
    /// <param name="request">The step; its object number is filled in.</param>
    public void Resolve(ref StepRequest request)
    {
        // A thread mostly stays with the object of its last step.
        var key = request.Base.Object.Value;
        if (unchecked((uint)request.ObjectNumber >= (uint)_objectCount) || _objects[request.ObjectNumber].Key != key)
        {
            request.ObjectNumber = Find(key);
        }
    }

    /// <summary>Tells whether a step would go through now. A step that would fault goes through.</summary>
    /// <param name="request">A resolved step.</param>
    /// <returns>False while the step has to wait for a lock, a signal or a wake-up.</returns>
    public bool CanProceed(in StepRequest request)
    {
        if (request.Kind < StepKind.Lock)
        {
            return true;
        }

        switch (request.Kind)
        {
            case StepKind.Lock:
                return !TryPeek(request, out var word) || word == 0;
            case StepKind.ReadLock:
                return !TryPeek(request, out word) || (word & uint.MaxValue) == 0;
            case StepKind.WaitForCompletion:
                return !TryPeek(request, out word) || word != 0;
            case StepKind.WaitEvent:
                return !TryPeek(request, out word) || word != request.Value;
            case StepKind.SynchronizeRcu:
                return !TryPeek(request, out word) || word == 0;
            case StepKind.Sleep:
                return false;
            default:
                return true;
        }
    }

    /// <summary>Applies a step that can proceed.</summary>
    /// <param name="request">A resolved step.</param>
    /// <param name="result">What it answers.</param>
    public void Apply(ref StepRequest request, ref StepResult result)
    {
        result.Value = 0;
        result.Fault = FaultKind.None;
        result.Slot = -1;
        result.ObjectNumber = request.ObjectNumber;
        switch (request.Kind)
        {
            case StepKind.Allocate:
                request.ObjectNumber = result.ObjectNumber = Insert(request.Base, request.Layout!, (int)request.Value);
                result.Value = request.Base.Value;
                return;
            case StepKind.Spawn or StepKind.Sleep:
                return;
            case StepKind.Free:
                Free(request, ref result);
                return;
        }

        if (!TryTouch(request, ref result))
        {
            return;
        }

        ref var word = ref _words[result.Slot];
        switch (request.Kind)
        {
            case StepKind.Load:
                result.Value = word;
                break;
            case StepKind.Store:
                Write(result.Slot, request, request.Value);
                break;
            case StepKind.Add:
                result.Value = unchecked(word + request.Value);
                Write(result.Slot, request, result.Value);
                break;
            case StepKind.Exchange:
                result.Value = word;
                Write(result.Slot, request, request.Value);
                break;
            case StepKind.CompareExchange:
                result.Value = word;
                if (word == request.Expected)
                {
                    Write(result.Slot, request, request.Value);
                }

                break;
            case StepKind.Lock:
                Write(result.Slot, request, (ulong)request.Thread + 1);
                break;
            case StepKind.TryLock:
                if (word == 0)
                {
                    Write(result.Slot, request, (ulong)request.Thread + 1);
                    result.Value = 1;
                }

                break;
            case StepKind.Unlock:
                Write(result.Slot, request, 0);
                break;
            case StepKind.ReadLock:
                Write(result.Slot, request, word + (1UL << 32));
                break;
            case StepKind.ReadUnlock:
                Write(result.Slot, request, unchecked(word - (1UL << 32)));
                break;
            case StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadLock:
                Write(result.Slot, request, unchecked(word + 1));
                break;
            case StepKind.WaitForCompletion or StepKind.RcuReadUnlock:
                Write(result.Slot, request, unchecked(word - 1));
                break;
            case StepKind.WaitEvent or StepKind.SynchronizeRcu:
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"No rule for a {request.Kind} step.");
        }
    }

    /// <summary>Reads a word outside of any thread, for checkers and reports.</summary>
    /// <param name="address">The word's object.</param>
    /// <param name="word">Word offset from the address.</param>
    /// <returns>The word, or null when there is no such live object or word.</returns>
    public ulong? Peek(Address address, int word)
    {
        var number = Find(address.Object.Value);
        var offset = address.Offset + word;
        return number >= 0 && !_objects[number].Freed && _objects[number].Has(offset)
            ? _words[_objects[number].First + offset]
            : null;
    }

    /// <summary>The layout of an object, freed or not.</summary>
    /// <param name="address">The object, or a place inside it.</param>
    /// <returns>Its layout, or null when there never was such an object.</returns>
    public Layout? LayoutOf(Address address) => Find(address.Object.Value) is >= 0 and var number ? _objects[number].Layout : null;

    /// <summary>The size of an object.</summary>
    /// <param name="number">The bank's number of the object.</param>
    /// <returns>Its words.</returns>
    public int WordsOf(int number) => _objects[number].Words;

    /// <summary>All objects in the order of their making.</summary>
    /// <returns>Address, layout and whether it was freed.</returns>
    public IEnumerable<(Address Address, Layout Layout, bool Freed)> Objects()
    {
        for (var i = 0; i < _objectCount; i++)
        {
            yield return (new Address(_objects[i].Key), _objects[i].Layout, _objects[i].Freed);
        }
    }

    /// <summary>A hash of every live word, in the order of addresses: what the two runtimes must agree on.</summary>
    /// <returns>The hash; order of allocation and runtime do not matter.</returns>
    public StateHash Fingerprint()
    {
        var hash = default(StateHash);
        for (var i = 0; i < _objectCount; i++)
        {
            ref var record = ref _objects[i];
            hash = hash.Plus(StateHash.Of(record.Key, record.Freed ? FreedTerm : record.ExistsTerm));
            for (var word = 0; !record.Freed && word < record.Words; word++)
            {
                if (_words[record.First + word] is not 0 and var value)
                {
                    hash = hash.Plus(StateHash.Of(record.Key + (ulong)word, value));
                }
            }
        }

        return hash;
    }

    private bool TryPeek(in StepRequest request, out ulong word)
    {
        word = 0;
        if (request.ObjectNumber < 0)
        {
            return false;
        }

        ref var record = ref _objects[request.ObjectNumber];
        var offset = request.Base.Offset + request.Field!.Word + request.Index;
        if (record.Freed || !record.Has(offset))
        {
            return false;
        }

        word = _words[record.First + offset];
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTouch(in StepRequest request, ref StepResult result)
    {
        if (request.ObjectNumber >= 0)
        {
            ref var record = ref _objects[request.ObjectNumber];
            var offset = request.Base.Offset + request.Field!.Word + request.Index;
            if (record.Has(offset))
            {
                // A freed object's word is named, too: the free and this step are a race.
                result.Slot = record.First + offset;
                if (!record.Freed)
                {
                    return true;
                }
            }
        }

        Fault(FaultOf(request), ref result);
        return false;
    }

    private FaultKind FaultOf(in StepRequest request)
    {
        if (request.ObjectNumber < 0)
        {
            return request.Base.Value < 4096 ? FaultKind.NullDereference : FaultKind.WildPointer;
        }

        return _objects[request.ObjectNumber].Freed ? FaultKind.UseAfterFree : FaultKind.OutOfBounds;
    }

    private static void Fault(FaultKind fault, ref StepResult result)
    {
        result.Fault = fault;
        result.Value = Address.Poison;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(int slot, in StepRequest request, ulong value)
    {
        ref var word = ref _words[slot];
        if (slot < _snapshotWords)
        {
            PushUndo(slot, word);
        }

        if (_hashing)
        {
            Rehash(slot, request.ObjectNumber, word, value);
        }

        word = value;
    }

    private void Rehash(int slot, int number, ulong before, ulong after)
    {
        ref var record = ref _objects[number];
        var place = record.Key + (ulong)(slot - record.First);
        var change = default(StateHash);
        if (before != 0)
        {
            change = change.Minus(StateHash.Of(place, before));
        }

        if (after != 0)
        {
            change = change.Plus(StateHash.Of(place, after));
        }

        _hash = _hash.Plus(change);
    }

    private void Free(in StepRequest request, ref StepResult result)
    {
        if (request.Base.IsNull)
        {
            return; // kfree(NULL) is legal.
        }

        if (request.ObjectNumber < 0 || request.Base.Offset != 0)
        {
            Fault(request.ObjectNumber < 0 ? FaultOf(request) : FaultKind.WildPointer, ref result);
            return;
        }

        var number = request.ObjectNumber;
        ref var record = ref _objects[number];
        result.Slot = record.First;
        if (record.Freed)
        {
            Fault(FaultKind.DoubleFree, ref result);
            return;
        }

        if (_hashing)
        {
            for (var i = 0; i < record.Words; i++)
            {
                if (_words[record.First + i] != 0)
                {
                    _hash = _hash.Minus(StateHash.Of(record.Key + (ulong)i, _words[record.First + i]));
                }
            }

            _hash = _hash.Minus(StateHash.Of(record.Key, record.ExistsTerm)).Plus(StateHash.Of(record.Key, FreedTerm));
        }

        if (number < _snapshotObjects)
        {
            PushUndo(~number, 0);
        }

        record.Freed = true;
    }

    private void PushUndo(int slot, ulong word)
    {
        if (_undoCount == _undo.Length)
        {
            Array.Resize(ref _undo, _undo.Length * 2);
        }

        _undo[_undoCount++] = new UndoEntry(slot, word);
    }

    private int Insert(Address address, Layout layout, int words)
    {
        if (_objectCount == _objects.Length)
        {
            Array.Resize(ref _objects, _objects.Length * 2);
        }

        if ((_objectCount + 1) * 2 > _index.Length)
        {
            GrowIndex();
        }

        while (_wordCount + words > _words.Length)
        {
            Array.Resize(ref _words, _words.Length * 2);
        }

        var indexSlot = FindIndexSlot(address.Value);
        if (_index[indexSlot] != 0)
        {
            throw new InvalidOperationException($"Two allocations have the address {address}; a thread's count of allocations went wrong.");
        }

        Array.Clear(_words, _wordCount, words);
        _objects[_objectCount] = new ObjectRecord { Key = address.Value, First = _wordCount, Words = words, Layout = layout };
        _wordCount += words;
        _index[indexSlot] = ++_objectCount;
        if (_hashing)
        {
            _hash = _hash.Plus(StateHash.Of(address.Value, _objects[_objectCount - 1].ExistsTerm));
        }

        return _objectCount - 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Find(ulong key) => key == 0 ? -1 : _index[FindIndexSlot(key)] - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int FindIndexSlot(ulong key)
    {
        var mask = _index.Length - 1;
        var slot = (int)(unchecked(key * 0x9e3779b97f4a7c15) >> _indexShift);
        while (_index[slot] is not 0 and var number && _objects[number - 1].Key != key)
        {
            slot = (slot + 1) & mask;
        }

        return slot;
    }

    private void GrowIndex()
    {
        _index = new int[_index.Length * 2];
        _indexShift--;
        for (var i = 0; i < _objectCount; i++)
        {
            _index[FindIndexSlot(_objects[i].Key)] = i + 1;
        }
    }

    private struct ObjectRecord
    {
        public ulong Key;
        public int First;
        public int Words;
        public Layout Layout;
        public bool Freed;

        /// <summary>That it exists, and what and how large it is: the same thread may make different things as its first.</summary>
        public readonly ulong ExistsTerm => Layout.Key ^ ((ulong)Words << 32);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly bool Has(int offset) => unchecked((uint)offset < (uint)Words);
    }

    private readonly record struct UndoEntry(int Slot, ulong Word);
}
