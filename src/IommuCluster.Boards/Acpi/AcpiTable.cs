using System.Buffers.Binary;
using System.Text;

namespace IommuCluster.Boards.Acpi;

/// <summary>
/// A system description table (ACPI 6.5, 5.2.6): a header of 36 bytes that tells signature and length, all bytes adding up
/// to 0. What follows is read through <see cref="AcpiSpan"/>.
/// </summary>
internal sealed class AcpiTable
{
    internal const int HeaderBytes = 36;
    private const int LengthAt = 4;
    private const int RevisionAt = 8;
    private const int ChecksumAt = 9;

    private AcpiTable(ReadOnlyMemory<byte> data, DiagnosticBag bag)
    {
        Bag = bag;
        Whole = new AcpiSpan(bag, data, 0);
        Signature = SignatureOf(data.Span) ?? "";
    }

    /// <summary>Takes what is wrong.</summary>
    internal DiagnosticBag Bag { get; }

    /// <summary>Four letters.</summary>
    internal string Signature { get; }

    /// <summary>The table's revision.</summary>
    internal int Revision => Whole.U8(RevisionAt, "the revision");

    /// <summary>The table, header included, so that offsets are those of the file.</summary>
    internal AcpiSpan Whole { get; }

    /// <summary>Who made the table: OEM id and OEM table id, without trailing blanks.</summary>
    internal string Maker => $"{Words(10, 6)} {Words(16, 8)}".Trim();

    /// <summary>The signature that some bytes begin with; null when they begin with no four letters or digits.</summary>
    internal static string? SignatureOf(ReadOnlySpan<byte> data)
    {
        if (data.Length < 4)
        {
            return null;
        }

        foreach (var letter in data[..4])
        {
            if (letter is not ((>= (byte)'A' and <= (byte)'Z') or (>= (byte)'0' and <= (byte)'9') or (byte)'_' or (byte)'!'))
            {
                return null;
            }
        }

        return Encoding.ASCII.GetString(data[..4]);
    }

    /// <summary>Checks header, length and checksum. Throws a <see cref="BoardFormatException"/> naming what is wrong.</summary>
    internal static AcpiTable Read(ReadOnlyMemory<byte> data, DiagnosticBag bag)
    {
        var bytes = data.Span;
        if (bytes.Length > AcpiLimits.TableBytes)
        {
            throw bag.Fatal($"{bytes.Length} bytes are more than {AcpiLimits.TableBytes}", "no table is that large: give one table a file, as under /sys/firmware/acpi/tables");
        }

        if (SignatureOf(bytes) is null)
        {
            throw bag.Fatal("this is no ACPI table: it does not start with four capital letters", "give a table as under /sys/firmware/acpi/tables", 0);
        }

        if (bytes.Length < HeaderBytes)
        {
            throw bag.Fatal($"the header needs {HeaderBytes} bytes, the file has {bytes.Length}", "the file was cut short: copy it again", bytes.Length);
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[LengthAt..]);
        if (length < HeaderBytes || length > bytes.Length)
        {
            throw bag.Fatal($"the header says the table has {length} bytes, the file has {bytes.Length}", "the file was cut short or is damaged: copy it again", LengthAt);
        }

        if (length < bytes.Length)
        {
            bag.Warning($"{bytes.Length - length} bytes follow the table", "they are passed over: give one table a file", length);
        }

        var sum = 0;
        foreach (var each in bytes[..(int)length])
        {
            sum += each;
        }

        return (sum & 0xff) == 0
            ? new AcpiTable(data[..(int)length], bag)
            : throw bag.Fatal($"the bytes add up to 0x{sum & 0xff:x2}, not to 0", "the table is damaged: copy it again", ChecksumAt);
    }

    private string Words(int at, int length)
    {
        var text = new StringBuilder();
        for (var i = 0; i < length && Whole.U8(at + i, "the maker") is > 0x20 and < 0x7f and var letter; i++)
        {
            text.Append((char)letter);
        }

        return text.ToString();
    }
}
