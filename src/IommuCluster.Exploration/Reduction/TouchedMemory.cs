using IommuCluster.Exploration.Strategies;

namespace IommuCluster.Exploration.Reduction;

/// <summary>What is known of a word.</summary>
internal sealed class TouchedWord
{
    /// <summary>By <see cref="Touch"/>: the locks that were held, and the thread if it was always the same; null when nobody touched it so.</summary>
    public ulong[]?[] Locks { get; } = new ulong[]?[(int)Touch.Try + 1];

    /// <summary>What was relied on: that who conflicts with such a touch holds the lock, or is the thread.</summary>
    public List<(Touch Touch, ulong Key)> Trusted { get; } = [];

    /// <summary>Relies on a lock for a touch, unless somebody is known not to hold it.</summary>
    /// <param name="whole">The word's object; null for a word of none.</param>
    /// <param name="touch">The touch.</param>
    /// <param name="key">The lock, or the thread.</param>
    /// <returns>True when it is relied on now.</returns>
    public bool Trust(TouchedObject? whole, Touch touch, ulong key)
    {
        for (var other = Touch.Look; other <= Touch.Try; other++)
        {
            if (Touches.Conflict(touch, other) && Locks[(int)other] is { } locks && !locks.Contains(key))
            {
                return false;
            }
        }

        if (whole?.Freed is { } freed && !freed.Contains(key))
        {
            return false;
        }

        Trusted.Add((touch, key));
        if (whole is not null && !whole.Trusted.Contains(key))
        {
            whole.Trusted.Add(key);
        }

        return true;
    }

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        foreach (var locks in Locks)
        {
            LockSet.Write(writer, locks);
        }

        writer.Write(Trusted.Count);
        foreach (var (touch, key) in Trusted)
        {
            writer.Write((byte)touch);
            writer.Write(key);
        }
    }

    /// <summary>Takes up what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    public void Load(BinaryReader reader)
    {
        for (var i = 0; i < Locks.Length; i++)
        {
            Locks[i] = LockSet.Read(reader);
        }

        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            Trusted.Add(((Touch)reader.ReadByte(), reader.ReadUInt64()));
        }
    }
}

/// <summary>What is known of an object as a whole: a free writes all its words.</summary>
internal sealed class TouchedObject
{
    /// <summary>The locks that were held at each free, and the thread; null when there was none.</summary>
    public ulong[]? Freed { get; set; }

    /// <summary>The locks that were held at each touch of one of its words and at each free, and the thread; null when there was none.</summary>
    public ulong[]? Touched { get; set; }

    /// <summary>What was relied on for its words.</summary>
    public List<ulong> Trusted { get; } = [];

    /// <summary>What was relied on for frees: that whoever touches it holds the lock, or is the thread.</summary>
    public List<ulong> TrustedByFrees { get; } = [];

    /// <summary>Relies on a lock for a free, unless somebody is known not to hold it.</summary>
    /// <param name="key">The lock, or the thread.</param>
    /// <returns>True when it is relied on now.</returns>
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

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        LockSet.Write(writer, Freed);
        LockSet.Write(writer, Touched);
        LockSet.Write(writer, [.. Trusted]);
        LockSet.Write(writer, [.. TrustedByFrees]);
    }

    /// <summary>Takes up what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    public void Load(BinaryReader reader)
    {
        Freed = LockSet.Read(reader);
        Touched = LockSet.Read(reader);
        Trusted.AddRange(LockSet.Read(reader) ?? []);
        TrustedByFrees.AddRange(LockSet.Read(reader) ?? []);
    }
}

/// <summary>Sets of locks as bytes.</summary>
internal static class LockSet
{
    /// <summary>Writes a set.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="locks">The set; null for all locks that there are.</param>
    public static void Write(BinaryWriter writer, ulong[]? locks)
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

    /// <summary>Reads a set.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The set; null for all locks that there are.</returns>
    public static ulong[]? Read(BinaryReader reader)
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
}
