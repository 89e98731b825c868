using IommuCluster.Exploration.Reduction;

namespace IommuCluster.Exploration.Strategies;

/// <summary>A choice on the present schedule of <see cref="SourceDpor"/>.</summary>
/// <param name="step">Number of steps before it.</param>
/// <param name="enabled">Who could run.</param>
/// <param name="sleep">Those whose steps were run before and would only be run again.</param>
/// <param name="chosen">Who runs.</param>
internal sealed class DporFrame(int step, ulong enabled, ulong sleep, int chosen)
{
    /// <summary>Number of steps before it.</summary>
    public int Step { get; } = step;

    /// <summary>Who could run.</summary>
    public ulong Enabled { get; } = enabled;

    /// <summary>Those whose steps were run before and would only be run again.</summary>
    public ulong Sleep { get; } = sleep;

    /// <summary>Who runs.</summary>
    public int Chosen { get; set; } = chosen;

    /// <summary>Those to be tried.</summary>
    public ulong Backtrack { get; set; } = 1UL << chosen;

    /// <summary>Those that have been tried.</summary>
    public ulong Done { get; set; }

    /// <summary>Those still to be tried.</summary>
    public ulong Left => Backtrack & ~Done & ~Sleep;

    /// <summary>Those still to be tried beside the one who runs.</summary>
    public ulong LeftBeside => Left & ~(1UL << Chosen);

    /// <summary>What the units of those who sleep or were tried did here, by slot; null where their announced steps tell it.</summary>
    public SortedList<int, OrderedEvent[]>? Units { get; init; }

    /// <summary>Tells whether one of some threads is to be tried, was tried, or need not be.</summary>
    /// <param name="initials">A bit for each thread.</param>
    /// <returns>True when one is, or there is none.</returns>
    public bool Has(ulong initials) => initials == 0 || (initials & (Backtrack | Sleep)) != 0;

    /// <summary>A copy to be changed apart from this one.</summary>
    /// <returns>The copy.</returns>
    public DporFrame Copy() => new(Step, Enabled, Sleep, Chosen) { Backtrack = Backtrack, Done = Done, Units = Units is null ? null : new SortedList<int, OrderedEvent[]>(Units) };

    /// <summary>Writes the frame.</summary>
    /// <param name="writer">Where to.</param>
    public void Save(BinaryWriter writer)
    {
        writer.Write(Step);
        writer.Write(Enabled);
        writer.Write(Sleep);
        writer.Write(Chosen);
        writer.Write(Backtrack);
        writer.Write(Done);
        writer.Write(Units is not null);
        if (Units is null)
        {
            return;
        }

        writer.Write(Units.Count);
        foreach (var (slot, unit) in Units)
        {
            writer.Write(slot);
            writer.Write(unit.Length);
            foreach (ref readonly var made in unit.AsSpan())
            {
                made.Save(writer);
            }
        }
    }

    /// <summary>Reads a frame.</summary>
    /// <param name="reader">Where from.</param>
    /// <returns>The frame.</returns>
    public static DporFrame Load(BinaryReader reader)
    {
        var (step, enabled, sleep, chosen) = (reader.ReadInt32(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt32());
        var (backtrack, done, hasUnits) = (reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadBoolean());
        var frame = new DporFrame(step, enabled, sleep, chosen) { Backtrack = backtrack, Done = done, Units = hasUnits ? [] : null };
        for (var left = hasUnits ? SearchTree.ReadCount(reader) : 0; left > 0; left--)
        {
            var slot = reader.ReadInt32();
            var unit = new OrderedEvent[SearchTree.ReadCount(reader)];
            for (var i = 0; i < unit.Length; i++)
            {
                unit[i] = OrderedEvent.Load(reader);
            }

            frame.Units!.Add(slot, unit);
        }

        return frame;
    }
}
