using System.Buffers.Binary;
using System.Text;

namespace IommuCluster.Boards.Dtb;

/// <summary>A property: a name, raw bytes (a slice of the file), and where in the file the bytes are.</summary>
internal sealed record DtbProperty(string Name, ReadOnlyMemory<byte> Value, int Offset)
{
    /// <summary>The longest string list read; real ones have two dozen entries.</summary>
    private const int MaxTexts = 256;
    private const int MaxTextBytes = 4_096;

    /// <summary>Number of whole 32-bit cells.</summary>
    internal int Cells => Value.Length / 4;

    /// <summary>The cell at an index below <see cref="Cells"/>.</summary>
    internal uint Cell(int index) => BinaryPrimitives.ReadUInt32BigEndian(Value.Span[(index * 4)..]);

    /// <summary>Byte offset in the file of a cell, for diagnostics.</summary>
    internal long CellOffset(int index) => Offset + (index * 4L);

    /// <summary>A number of some cells; beyond two only the last two count, as the kernel's of_read_number() does.</summary>
    internal ulong Number(int index, int cells)
    {
        ulong value = 0;
        for (var i = 0; i < cells; i++)
        {
            value = (value << 32) | Cell(index + i);
        }

        return value;
    }

    /// <summary>The first string, without its terminator, 4 KiB of it at most; undecodable bytes come out as U+FFFD.</summary>
    internal string Text()
    {
        var bytes = Value.Span[..Math.Min(Value.Length, MaxTextBytes)];
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    /// <summary>The strings of a string list; empty ones and what comes after <see cref="MaxTexts"/> are left out.</summary>
    internal List<string> Texts()
    {
        var texts = new List<string>();
        foreach (var range in Value.Span.Split((byte)0))
        {
            var text = Encoding.UTF8.GetString(Value.Span[range]);
            if (text.Length > 0)
            {
                texts.Add(text);
            }

            if (texts.Count == MaxTexts)
            {
                break;
            }
        }

        return texts;
    }
}
