using System.Buffers.Text;
using System.Collections.Immutable;

namespace IommuCluster.Exploration.Replay;

/// <summary>A place where a schedule does not do the default.</summary>
/// <param name="Choice">Number of the choice, from 0, among those where more than one thread can run.</param>
/// <param name="Slot">The thread that runs instead.</param>
public readonly record struct Deviation(int Choice, int Slot);

/// <summary>
/// A schedule, told by where it deviates from the default (run on while you can, else the lowest thread): the fewer
/// preemptions, the shorter.
/// </summary>
/// <param name="Deviations">In order.</param>
public sealed record Schedule(ImmutableArray<Deviation> Deviations)
{
    /// <summary>The schedule without deviations.</summary>
    public static Schedule Default { get; } = new([]);

    /// <summary>Reads what <see cref="Encode"/> wrote.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The schedule, or null when the text is none.</returns>
    public static Schedule? Decode(ReadOnlySpan<char> text)
    {
        byte[] bytes;
        try
        {
            bytes = Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return null;
        }

        var deviations = ImmutableArray.CreateBuilder<Deviation>();
        var choice = -1L;
        for (var at = 0; at < bytes.Length;)
        {
            if (!TryReadNumber(bytes, ref at, out var gap) || !TryReadNumber(bytes, ref at, out var slot) || slot >= 64)
            {
                return null;
            }

            choice += gap + 1;
            if (choice > int.MaxValue)
            {
                return null;
            }

            deviations.Add(new Deviation((int)choice, (int)slot));
        }

        // One schedule, one text: blanks, padding and overlong numbers are none of ours.
        var schedule = new Schedule(deviations.ToImmutable());
        return text.SequenceEqual(schedule.Encode()) ? schedule : null;
    }

    /// <summary>Writes the schedule as text without blanks: gaps and slots as variable-length numbers in base64url.</summary>
    /// <returns>The text; empty for the default schedule.</returns>
    public string Encode()
    {
        var bytes = new List<byte>(Deviations.Length * 2);
        var last = -1;
        foreach (var (choice, slot) in Deviations)
        {
            WriteNumber(bytes, (uint)(choice - last - 1));
            WriteNumber(bytes, (uint)slot);
            last = choice;
        }

        return Base64Url.EncodeToString(bytes.ToArray());
    }

    /// <inheritdoc/>
    public bool Equals(Schedule? other) => other is not null && Deviations.AsSpan().SequenceEqual(other.Deviations.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => unchecked((int)Kernel.Checking.StableHash.Of(Encode()));

    /// <inheritdoc/>
    public override string ToString() => Encode();

    private static void WriteNumber(List<byte> bytes, uint number)
    {
        for (; number >= 0x80; number >>= 7)
        {
            bytes.Add((byte)((number & 0x7f) | 0x80));
        }

        bytes.Add((byte)number);
    }

    private static bool TryReadNumber(byte[] bytes, ref int at, out long number)
    {
        number = 0;
        for (var shift = 0; at < bytes.Length && shift < 35; shift += 7)
        {
            var part = bytes[at++];
            number |= (long)(part & 0x7f) << shift;
            if (part < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}
