using System.Numerics;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// The states that a search has met: whole keys up to a number of states, and beyond it three bits a state (Holzmann,
/// bitstate hashing, FORTE 1987), where a collision takes a new state for a known one.
/// </summary>
/// <param name="capacity">States to be remembered whole; some 50 bytes each.</param>
/// <param name="bitsLog2">Logarithm of the size of the bit table; 30 is 128 MB, made when it is needed.</param>
internal sealed class VisitedStates(int capacity, int bitsLog2 = 30)
{
    private readonly Dictionary<StateHash, ulong> _known = [];
    private ulong[]? _bits;

    /// <summary>Number of states met, those in bits among them.</summary>
    public long Count { get; private set; }

    /// <summary>True when some states are kept in bits only.</summary>
    public bool IsApproximate => _bits is not null;

    /// <summary>Comes to a state with some threads asleep (Godefroid, LNCS 1032, 1996, figure 4.2, with its visited set).</summary>
    /// <param name="key">The state.</param>
    /// <param name="enabled">Who can run.</param>
    /// <param name="sleep">Who need not; fewer of them where the state was met before with others asleep.</param>
    /// <returns>Who is to be tried; 0 when everything from here on was seen.</returns>
    public ulong Visit(StateHash key, ulong enabled, ref ulong sleep)
    {
        if (_known.TryGetValue(key, out var before))
        {
            var skipped = before & ~sleep;
            if (skipped != 0)
            {
                _known[key] = sleep &= before;
            }

            return skipped & enabled;
        }

        return Add(key, sleep) ? enabled & ~sleep : 0;
    }

    /// <summary>Comes to a state at a cost.</summary>
    /// <param name="key">The state.</param>
    /// <param name="cost">Preemptions spent.</param>
    /// <returns>False when it was met at no higher cost.</returns>
    public bool VisitCheaper(StateHash key, int cost)
    {
        if (!_known.TryGetValue(key, out var before))
        {
            return Add(key, (ulong)cost);
        }

        if (before <= (ulong)cost)
        {
            return false;
        }

        _known[key] = (ulong)cost;
        return true;
    }

    /// <summary>Forgets all states.</summary>
    public void Clear()
    {
        _known.Clear();
        _bits = null;
        Count = 0;
    }

    /// <summary>Writes all states.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(Count);
        writer.Write(_known.Count);
        foreach (var (key, value) in _known)
        {
            writer.Write(key.Low);
            writer.Write(key.High);
            writer.Write(value);
        }

        writer.Write(_bits?.Length ?? 0);
        foreach (var word in _bits ?? [])
        {
            writer.Write(word);
        }
    }

    /// <summary>Takes up what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    public void Load(BinaryReader reader)
    {
        Clear();
        Count = reader.ReadInt64();
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            var key = new StateHash(reader.ReadUInt64(), reader.ReadUInt64());
            _known.Add(key, reader.ReadUInt64());
        }

        var words = SearchTree.ReadCount(reader);
        _bits = words == 0 ? null : new ulong[words];
        for (var i = 0; i < words; i++)
        {
            _bits![i] = reader.ReadUInt64();
        }
    }

    private bool Add(StateHash key, ulong value)
    {
        if (_known.Count < capacity)
        {
            _known.Add(key, value);
            Count++;
            return true;
        }

        // A bit cannot tell who slept or what was spent: with something else it is another state.
        _bits ??= new ulong[1 << (bitsLog2 - 6)];
        var isNew = SetBits(key.Plus(StateHash.Of(0x51ee9, value)));
        Count += isNew ? 1 : 0;
        return isNew;
    }

    private bool SetBits(StateHash key)
    {
        var isNew = false;
        for (var i = 0; i < 3; i++)
        {
            var bit = unchecked(key.Low + ((ulong)i * (key.High | 1))) >> (64 - bitsLog2);
            ref var word = ref _bits![bit >> 6];
            isNew |= (word >> (int)(bit & 63) & 1) == 0;
            word |= 1UL << (int)(bit & 63);
        }

        return isNew;
    }
}
