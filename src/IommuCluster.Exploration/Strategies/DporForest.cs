using System.Numerics;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// A search by <see cref="SourceDpor"/> in subtrees that any number of workers search side by side. Between two rounds it
/// keeps the choices that several of them share: what one wishes to be tried there becomes a subtree of its own, whose
/// sleepers are those given out before it. What comes out depends on the order of the subtrees, which is that of their
/// making, and on how much of each a round does; not on the workers.
/// </summary>
internal sealed class DporForest
{
    private const string Kind = "forest";

    private readonly List<DporSubtree> _open = [];
    private readonly SortedDictionary<string, DporFrame> _shared = new(StringComparer.Ordinal);

    /// <summary>Makes a forest of the whole search.</summary>
    public DporForest() => _open.Add(new DporSubtree());

    /// <summary>Makes a forest as it was.</summary>
    /// <param name="saved">What <see cref="Save"/> answered.</param>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public DporForest(ReadOnlySpan<byte> saved) => SearchTree.Read(saved, Load);

    /// <summary>Subtrees in which something is left.</summary>
    public int Count => _open.Count;

    /// <summary>A subtree, to be searched.</summary>
    /// <param name="index">Its number, less than <see cref="Count"/>.</param>
    /// <returns>The subtree as bytes.</returns>
    public byte[] Give(int index) => SearchTree.Write(_open[index].Save);

    /// <summary>Takes back a subtree. The others keep their numbers until the round has ended.</summary>
    /// <param name="index">Its number.</param>
    /// <param name="searched">What is left of it.</param>
    /// <exception cref="InvalidDataException">The bytes are no subtree.</exception>
    public void Take(int index, ReadOnlySpan<byte> searched)
    {
        var subtree = SearchTree.Read(searched, DporSubtree.Load);
        _open[index] = subtree;
        foreach (var (number, initials) in subtree.Wishes)
        {
            var frame = _shared[subtree.PlaceOf(number)];
            if (!frame.Has(initials))
            {
                GiveOut(subtree, frame, number, BitOperations.TrailingZeroCount(initials));
            }
        }

        subtree.Wishes.Clear();
    }

    /// <summary>Ends a round: leaves out what is done, and splits what is left until there are enough subtrees.</summary>
    /// <param name="enough">How many are enough.</param>
    public void EndRound(int enough)
    {
        _open.RemoveAll(subtree => subtree.IsDone);
        while (_open.Count < enough && _open.Where(subtree => subtree.FirstLeft < subtree.Stack.Count).MinBy(subtree => subtree.FirstLeft) is { } largest)
        {
            Split(largest);
        }

        var used = _open.SelectMany(subtree => Enumerable.Range(0, subtree.Shared).Select(subtree.PlaceOf)).ToHashSet(StringComparer.Ordinal);
        foreach (var place in _shared.Keys.Where(place => !used.Contains(place)).ToList())
        {
            _shared.Remove(place);
        }
    }

    /// <summary>Writes the forest between two rounds.</summary>
    /// <returns>The bytes.</returns>
    public byte[] Save() => SearchTree.Write(writer =>
    {
        SearchTree.WriteKind(writer, Kind);
        writer.Write(_open.Count);
        foreach (var subtree in _open)
        {
            subtree.Save(writer);
        }

        writer.Write(_shared.Count);
        foreach (var (place, frame) in _shared)
        {
            writer.Write(place);
            frame.Save(writer);
        }
    });

    private bool Load(BinaryReader reader)
    {
        SearchTree.ReadKind(reader, Kind);
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            _open.Add(DporSubtree.Load(reader));
        }

        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            _shared.Add(reader.ReadString(), DporFrame.Load(reader));
        }

        return true;
    }

    /// <summary>Makes subtrees of all that is left beside a path at its first such choice.</summary>
    private void Split(DporSubtree subtree)
    {
        var number = subtree.FirstLeft;
        for (var i = subtree.Shared; i <= number; i++)
        {
            var frame = subtree.Stack[i].Copy();
            frame.Done |= 1UL << frame.Chosen;
            _shared.Add(subtree.PlaceOf(i), frame);
        }

        var rest = new DporSubtree { Shared = number + 1 };
        rest.Stack.AddRange(subtree.Stack);
        _open[_open.IndexOf(subtree)] = rest;
        var shared = _shared[rest.PlaceOf(number)];
        while (shared.Left != 0)
        {
            GiveOut(rest, shared, number, BitOperations.TrailingZeroCount(shared.Left));
        }
    }

    private void GiveOut(DporSubtree path, DporFrame frame, int number, int slot)
    {
        frame.Backtrack |= 1UL << slot;
        _open.Add(path.Beside(frame, number, slot));
        frame.Done |= 1UL << slot;
    }
}
