namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// What is left of a search by <see cref="SourceDpor"/>: a path of choices, and what is to be tried beside it. The first of
/// them may be shared with other subtrees, that others search; what is found to be worth trying there is a wish.
/// </summary>
internal sealed class DporSubtree
{
    private const string Kind = "subtree";

    /// <summary>The choices of the path. When nothing is left, only those shared are.</summary>
    public List<DporFrame> Stack { get; } = [];

    /// <summary>How many of them are shared.</summary>
    public int Shared { get; init; }

    /// <summary>Sets of threads of which one is to be tried at a shared choice.</summary>
    public List<(int Frame, ulong Initials)> Wishes { get; } = [];

    /// <summary>True when nothing is left.</summary>
    public bool IsDone { get; set; }

    /// <summary>The number of the first choice beside whose path something is left to try; the number of choices when there is none.</summary>
    public int FirstLeft
    {
        get
        {
            var first = Shared;
            while (first < Stack.Count && Stack[first].LeftBeside == 0)
            {
                first++;
            }

            return first;
        }
    }

    /// <summary>Wishes for one of some threads, unless one of them is to be tried there anyway.</summary>
    /// <param name="frame">The number of a shared choice.</param>
    /// <param name="initials">A bit for each thread.</param>
    public void Wish(int frame, ulong initials)
    {
        if (!Stack[frame].Has(initials) && !Wishes.Exists(wish => wish.Frame == frame && (wish.Initials & ~initials) == 0))
        {
            Wishes.Add((frame, initials));
        }
    }

    /// <summary>The place of one of the path's choices among those of all subtrees.</summary>
    /// <param name="frame">Its number.</param>
    /// <returns>The choices made before it.</returns>
    public string PlaceOf(int frame) => string.Create(frame, Stack, static (place, stack) =>
    {
        for (var i = 0; i < place.Length; i++)
        {
            place[i] = (char)stack[i].Chosen;
        }
    });

    /// <summary>The subtree beside the path.</summary>
    /// <param name="frame">The choice, with all that is known of it.</param>
    /// <param name="number">Its number on the path.</param>
    /// <param name="chosen">Who runs there.</param>
    /// <returns>The subtree; all choices of its path are shared.</returns>
    public DporSubtree Beside(DporFrame frame, int number, int chosen)
    {
        var beside = new DporSubtree { Shared = number + 1 };
        beside.Stack.AddRange(Stack.Take(number).Append(frame).Select(each => each.Copy()));
        beside.Stack[number].Chosen = chosen;
        return beside;
    }

    /// <summary>Writes the subtree.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        SearchTree.WriteKind(writer, Kind);
        writer.Write(IsDone);
        writer.Write(Shared);
        writer.Write(Stack.Count);
        foreach (var frame in Stack)
        {
            frame.Save(writer);
        }

        writer.Write(Wishes.Count);
        foreach (var (frame, initials) in Wishes)
        {
            writer.Write(frame);
            writer.Write(initials);
        }
    }

    /// <summary>Reads a subtree.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The subtree.</returns>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static DporSubtree Load(BinaryReader reader)
    {
        SearchTree.ReadKind(reader, Kind);
        var isDone = reader.ReadBoolean();
        var subtree = new DporSubtree { IsDone = isDone, Shared = reader.ReadInt32() };
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            subtree.Stack.Add(DporFrame.Load(reader));
        }

        if (subtree.Shared < 0 || subtree.Shared > subtree.Stack.Count)
        {
            throw new InvalidDataException($"{subtree.Shared} choices of {subtree.Stack.Count} cannot be shared.");
        }

        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            subtree.Wishes.Add((reader.ReadInt32(), reader.ReadUInt64()));
        }

        return subtree;
    }
}
