using System.Buffers.Binary;
using System.Text;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>A node of a device tree under construction; the root flattens itself into a version 17 DTB.</summary>
internal sealed class DtbSource(string name = "")
{
    private readonly List<(string Name, byte[] Value)> _properties = [];
    private readonly List<DtbSource> _children = [];

    internal DtbSource Cells(string property, params uint[] cells)
    {
        var value = new byte[cells.Length * 4];
        for (var i = 0; i < cells.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(value.AsSpan(i * 4), cells[i]);
        }

        return Bytes(property, value);
    }

    internal DtbSource Texts(string property, params string[] texts) =>
        Bytes(property, Encoding.UTF8.GetBytes(string.Concat(texts.Select(text => text + "\0"))));

    internal DtbSource Flag(string property) => Bytes(property, []);

    internal DtbSource Bytes(string property, byte[] value)
    {
        _properties.Add((property, value));
        return this;
    }

    internal DtbSource Child(string child, Action<DtbSource>? fill = null)
    {
        var node = new DtbSource(child);
        fill?.Invoke(node);
        _children.Add(node);
        return this;
    }

    /// <summary>Gives another node this one's properties and children.</summary>
    internal void CopyTo(DtbSource other)
    {
        other._properties.AddRange(_properties);
        other._children.AddRange(_children);
    }

    /// <summary>A 64-bit root with one CPU, one cell of address and size, and what the test adds.</summary>
    internal static DtbSource Arm64(Action<DtbSource> fill)
    {
        var root = new DtbSource().Cells("#address-cells", 1).Cells("#size-cells", 1).Texts("model", "Test").Texts("compatible", "test,board");
        fill(root);
        return root.Child("cpus", cpus => cpus
            .Cells("#address-cells", 1).Cells("#size-cells", 0)
            .Child("cpu@0", cpu => cpu.Texts("device_type", "cpu").Texts("compatible", "arm,cortex-a53").Cells("reg", 0)));
    }

    internal byte[] Flatten(params (ulong Address, ulong Size)[] reservations)
    {
        var strings = new StringTable();
        var structure = new MemoryStream();
        Write(structure, strings);
        Word(structure, 9);

        var reserve = 40 + ((reservations.Length + 1) * 16);
        var file = new MemoryStream();
        var stringsAt = reserve + (int)structure.Length;
        foreach (var word in new[]
        {
            0xd00dfeedu, (uint)(stringsAt + strings.Length), (uint)reserve, (uint)stringsAt, 40u, 17u, 16u, 0u, (uint)strings.Length, (uint)structure.Length,
        })
        {
            Word(file, word);
        }

        foreach (var (address, size) in reservations.Append((0ul, 0ul)))
        {
            Word(file, (uint)(address >> 32));
            Word(file, (uint)(address & uint.MaxValue));
            Word(file, (uint)(size >> 32));
            Word(file, (uint)(size & uint.MaxValue));
        }

        file.Write(structure.ToArray());
        file.Write(strings.ToArray());
        return file.ToArray();
    }

    private void Write(MemoryStream structure, StringTable strings)
    {
        Word(structure, 1);
        Padded(structure, Encoding.ASCII.GetBytes(name + "\0"));
        foreach (var (property, value) in _properties)
        {
            Word(structure, 3);
            Word(structure, (uint)value.Length);
            Word(structure, (uint)strings.Offset(property));
            Padded(structure, value);
        }

        foreach (var child in _children)
        {
            child.Write(structure, strings);
        }

        Word(structure, 2);
    }

    private static void Word(MemoryStream stream, uint word)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, word);
        stream.Write(bytes);
    }

    private static void Padded(MemoryStream stream, byte[] bytes)
    {
        stream.Write(bytes);
        stream.Write(new byte[(4 - (bytes.Length % 4)) % 4]);
    }

    private sealed class StringTable
    {
        private readonly Dictionary<string, int> _offsets = [];
        private readonly List<byte> _bytes = [];

        internal int Length => _bytes.Count;

        internal int Offset(string text)
        {
            if (!_offsets.TryGetValue(text, out var offset))
            {
                offset = _bytes.Count;
                _offsets.Add(text, offset);
                _bytes.AddRange(Encoding.ASCII.GetBytes(text + "\0"));
            }

            return offset;
        }

        internal byte[] ToArray() => [.. _bytes];
    }
}
