namespace IommuCluster.Exploration.Strategies;

/// <summary>What searches have in common.</summary>
internal static class SearchTree
{
    /// <summary>Estimates how much of a search tree is done.</summary>
    /// <param name="path">From the root to the present place: branches of each choice, and how many of them are done.</param>
    /// <returns>0 to 1.</returns>
    public static double Progress(IEnumerable<(int Branches, int Done)> path)
    {
        var (weight, progress) = (1.0, 0.0);
        foreach (var (branches, done) in path)
        {
            weight /= Math.Max(1, branches);
            progress += weight * done;
        }

        return Math.Min(1, progress);
    }

    /// <summary>Writes what kind of search follows.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="kind">Name and arguments.</param>
    public static void WriteKind(BinaryWriter writer, string kind) => writer.Write(kind);

    /// <summary>Checks what kind of search follows.</summary>
    /// <param name="reader">Where from.</param>
    /// <param name="kind">Name and arguments that there must be.</param>
    /// <exception cref="InvalidDataException">There is something else.</exception>
    public static void ReadKind(BinaryReader reader, string kind)
    {
        var found = reader.ReadString();
        if (found != kind)
        {
            throw new InvalidDataException($"The search that was saved is \"{found}\", not \"{kind}\".");
        }
    }

    /// <summary>Reads how many of something follow. A damaged file must not ask for more memory than it has bytes.</summary>
    /// <param name="reader">Where from; a stream that knows its length.</param>
    /// <returns>How many, each of a byte at least.</returns>
    /// <exception cref="InvalidDataException">There cannot be so many.</exception>
    public static int ReadCount(BinaryReader reader)
    {
        var count = reader.ReadInt32();
        var most = reader.BaseStream.Length - reader.BaseStream.Position;
        return count >= 0 && count <= most ? count : throw new InvalidDataException($"It tells of {count} things where {most} bytes are left.");
    }

    /// <summary>Bytes of what writes itself.</summary>
    /// <param name="save">Writes it.</param>
    /// <returns>The bytes.</returns>
    public static byte[] Write(Action<BinaryWriter> save)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        save(writer);
        writer.Flush();
        return stream.ToArray();
    }

    /// <summary>Reads something from bytes that may be damaged.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="bytes">The bytes.</param>
    /// <param name="load">Reads it.</param>
    /// <returns>What was read.</returns>
    /// <exception cref="InvalidDataException">The bytes are something else, or damaged.</exception>
    public static T Read<T>(ReadOnlySpan<byte> bytes, Func<BinaryReader, T> load)
    {
        using var stream = new MemoryStream(bytes.ToArray(), writable: false);
        using var reader = new BinaryReader(stream);
        try
        {
            return load(reader);
        }
        catch (Exception bad) when (bad is EndOfStreamException or FormatException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"The search that was saved is damaged: {bad.Message}", bad);
        }
    }
}
