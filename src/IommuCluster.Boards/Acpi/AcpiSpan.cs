using System.Buffers.Binary;
using System.Text;

namespace IommuCluster.Boards.Acpi;

/// <summary>
/// A run of a table's bytes, little endian. Every read is checked; one that goes beyond the run throws a
/// <see cref="BoardFormatException"/> that names the place in the file and what was due there.
/// </summary>
/// <param name="bag">Takes what is wrong.</param>
/// <param name="data">The run.</param>
/// <param name="offset">Where the run is in the file.</param>
internal readonly struct AcpiSpan(DiagnosticBag bag, ReadOnlyMemory<byte> data, int offset)
{
    /// <summary>Where the run is in the file.</summary>
    internal int Offset => offset;

    internal int Length => data.Length;

    internal byte U8(int at, string what) => Bytes(at, 1, what)[0];

    internal ushort U16(int at, string what) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(at, 2, what));

    internal uint U32(int at, string what) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(at, 4, what));

    internal ulong U64(int at, string what) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(at, 8, what));

    /// <summary>A run inside this one.</summary>
    /// <param name="at">Where it begins here.</param>
    /// <param name="length">Its length in bytes, as the table says.</param>
    /// <param name="what">What it is, for people.</param>
    internal AcpiSpan Slice(long at, long length, string what)
    {
        Check(at, length, what);
        return new AcpiSpan(bag, data.Slice((int)at, (int)length), offset + (int)at);
    }

    /// <summary>The rest from a place on; empty when the place is the end.</summary>
    internal AcpiSpan From(int at, string what) => Slice(at, Math.Max(0, Length - at), what);

    /// <summary>Printable letters up to a zero byte.</summary>
    internal string Text(int at, string what)
    {
        Check(at, 1, what);
        var bytes = data.Span[at..Math.Min(Length, at + AcpiLimits.NameBytes + 1)];
        var length = bytes.IndexOf((byte)0);
        if (length < 0)
        {
            throw bag.Fatal($"{what} has no end within {bytes.Length} bytes", $"names end with a zero byte and have at most {AcpiLimits.NameBytes}", offset + at);
        }

        return Letters(bytes[..length], at, what);
    }

    /// <summary>Printable letters of a fixed length, without trailing blanks and zero bytes.</summary>
    internal string Text(int at, int length, string what) => Letters(Bytes(at, length, what).TrimEnd("\0 "u8), at, what);

    private string Letters(ReadOnlySpan<byte> letters, int at, string what) => letters.IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0
        ? Encoding.ASCII.GetString(letters)
        : throw bag.Fatal($"{what} has a blank or a byte that is no printable ASCII", "names are letters, digits and punctuation: the table is damaged", offset + at);

    private ReadOnlySpan<byte> Bytes(int at, int length, string what)
    {
        Check(at, length, what);
        return data.Span.Slice(at, length);
    }

    private void Check(long at, long length, string what)
    {
        if (at < 0 || length < 0 || at > data.Length - length)
        {
            throw bag.Fatal(
                $"{what} ({length} bytes at 0x{offset + at:x}) lies outside the 0x{data.Length:x} bytes from 0x{offset:x} on",
                "a length or an offset is wrong: the table is damaged", offset + Math.Clamp(at, 0, data.Length));
        }
    }
}
