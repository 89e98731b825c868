using System.Buffers.Binary;

namespace IommuCluster.Boards.Dtb;

/// <summary>The 40 bytes a flattened tree starts with (Devicetree Specification 0.4, 5.2), checked against the file's size.</summary>
internal readonly record struct DtbHeader(int TotalSize, int StructOffset, int StructSize, int StringsOffset, int StringsSize, int ReserveOffset)
{
    internal const int SizeBytes = 40;
    private const uint Magic = 0xd00dfeed;
    private const uint Version = 17;

    /// <summary>Reads and checks the header. Throws a <see cref="BoardFormatException"/> naming the field that is wrong.</summary>
    internal static DtbHeader Read(ReadOnlySpan<byte> data, DiagnosticBag bag)
    {
        CheckFrame(data, bag);
        var total = Word(data, 4);
        if (total < SizeBytes || total > data.Length)
        {
            throw bag.Fatal(
                $"the header says the tree has {total} bytes, the file has {data.Length}",
                "the file was cut short or is damaged: copy it again", 4);
        }

        CheckVersion(data, bag);
        var header = new DtbHeader(
            (int)total,
            Block(data, total, 8, 36, 4, "structure block", bag, out var structSize), structSize,
            Block(data, total, 12, 32, 1, "strings block", bag, out var stringsSize), stringsSize,
            Block(data, total, 16, null, 8, "memory reservation block", bag, out _));
        return header;
    }

    private static void CheckFrame(ReadOnlySpan<byte> data, DiagnosticBag bag)
    {
        if (data.Length > DtbLimits.FileBytes)
        {
            throw bag.Fatal($"{data.Length} bytes are more than {DtbLimits.FileBytes}", "no device tree is that large: give a .dtb file");
        }

        if (data.Length < 4 || Word(data, 0) != Magic)
        {
            throw bag.Fatal(
                "this is no flattened device tree: it does not start with d0 0d fe ed",
                "give a .dtb file; make one of a .dts with `dtc -I dts -O dtb`", 0);
        }

        if (data.Length < SizeBytes)
        {
            throw bag.Fatal($"the header needs {SizeBytes} bytes, the file has {data.Length}", "the file was cut short: copy it again", data.Length);
        }
    }

    private static void CheckVersion(ReadOnlySpan<byte> data, DiagnosticBag bag)
    {
        var version = Word(data, 20);
        if (version < Version)
        {
            throw bag.Fatal($"format version {version} is older than 17", "convert it with `dtc -I dtb -O dtb -V 17`", 20);
        }

        var compatible = Word(data, 24);
        if (compatible > Version)
        {
            throw bag.Fatal($"the format needs a reader of version {compatible}, this one knows 17", "convert it with `dtc -I dtb -O dtb -V 17`", 24);
        }
    }

    private static int Block(
        ReadOnlySpan<byte> data, uint total, int offsetField, int? sizeField, uint alignment, string name, DiagnosticBag bag, out int size)
    {
        var offset = Word(data, offsetField);
        if (offset < SizeBytes || offset > total || offset % alignment != 0)
        {
            throw bag.Fatal(
                $"the {name} cannot start at byte {offset}",
                $"it must start at a multiple of {alignment} between {SizeBytes} and {total}: the header is damaged", offsetField);
        }

        var length = sizeField is { } field ? Word(data, field) : total - offset;
        if (length > total - offset)
        {
            throw bag.Fatal(
                $"the {name} of {length} bytes at byte {offset} ends behind the tree's {total} bytes",
                "the header is damaged: copy the file again", sizeField);
        }

        size = (int)length;
        return (int)offset;
    }

    private static uint Word(ReadOnlySpan<byte> data, int offset) => BinaryPrimitives.ReadUInt32BigEndian(data[offset..]);
}
