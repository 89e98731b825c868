using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>A state with a choice on the present schedule of <see cref="StateSearch"/>.</summary>
/// <param name="choice">Number of the choice in the schedule.</param>
/// <param name="step">Number of steps before it.</param>
/// <param name="enabled">Who could run.</param>
/// <param name="sleep">Those whose steps lead to what was seen elsewhere.</param>
/// <param name="allowed">Those to be tried.</param>
/// <param name="chosen">Who runs.</param>
internal sealed class StateFrame(int choice, int step, ulong enabled, ulong sleep, ulong allowed, int chosen)
{
    /// <summary>Number of the choice in the schedule.</summary>
    public int Choice { get; } = choice;

    /// <summary>Number of steps before it.</summary>
    public int Step { get; } = step;

    /// <summary>Who could run.</summary>
    public ulong Enabled { get; } = enabled;

    /// <summary>Those whose steps lead to what was seen elsewhere.</summary>
    public ulong Sleep { get; } = sleep;

    /// <summary>Those to be tried.</summary>
    public ulong Allowed { get; set; } = allowed;

    /// <summary>Those that have been tried.</summary>
    public ulong Done { get; set; }

    /// <summary>Who runs.</summary>
    public int Chosen { get; set; } = chosen;

    /// <summary>The races to be shown from here; null for none.</summary>
    public Queue<RacingPair>? Races { get; set; }

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(Choice);
        writer.Write(Step);
        writer.Write(Enabled);
        writer.Write(Sleep);
        writer.Write(Allowed);
        writer.Write(Chosen);
        writer.Write(Done);
        writer.Write(Races?.Count ?? 0);
        foreach (var pair in Races ?? [])
        {
            pair.Save(writer);
        }
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The same.</returns>
    public static StateFrame Load(BinaryReader reader)
    {
        var frame = new StateFrame(reader.ReadInt32(), reader.ReadInt32(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt32()) { Done = reader.ReadUInt64() };
        for (var left = SearchTree.ReadCount(reader); left > 0; left--)
        {
            (frame.Races ??= []).Enqueue(RacingPair.Load(reader));
        }

        return frame;
    }
}

/// <summary>Two threads whose steps race.</summary>
/// <param name="First">Slot of the one that runs first where the race is shown.</param>
/// <param name="Second">Slot of the other.</param>
internal readonly record struct RacingPair(int First, int Second)
{
    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(First);
        writer.Write(Second);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The same.</returns>
    public static RacingPair Load(BinaryReader reader) => new(reader.ReadInt32(), reader.ReadInt32());
}

/// <summary>What tells one race from another, in whichever order it is met; of a critical section, where it begins.</summary>
/// <param name="First">The function of the first step.</param>
/// <param name="Second">The function of the other; empty for none.</param>
/// <param name="Field">The field.</param>
internal readonly record struct SearchSite(string First, string Second, string Field)
{
    /// <summary>Where a critical section begins.</summary>
    /// <param name="thread">A thread that has announced that it takes the lock.</param>
    /// <returns>The site.</returns>
    public static SearchSite OfSection(KernelThread thread) => new(thread.Function, string.Empty, thread.Request.Field!.ToString());

    /// <summary>The site of two steps that race.</summary>
    /// <param name="a">A thread that has announced one.</param>
    /// <param name="b">The thread that has announced the other.</param>
    /// <returns>The same for both orders.</returns>
    public static SearchSite Of(KernelThread a, KernelThread b)
    {
        var field = (a.Request.Field ?? b.Request.Field)?.ToString() ?? string.Empty;
        return string.CompareOrdinal(a.Function, b.Function) <= 0 ? new SearchSite(a.Function, b.Function, field) : new SearchSite(b.Function, a.Function, field);
    }

    /// <summary>Writes it.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(First);
        writer.Write(Second);
        writer.Write(Field);
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The same.</returns>
    public static SearchSite Load(BinaryReader reader) => new(reader.ReadString(), reader.ReadString(), reader.ReadString());
}
