using System.Buffers.Binary;
using System.Text;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Reads a flattened device tree, format version 17 (Devicetree Specification 0.4, chapter 5). Trusts nothing: every
/// offset is checked before it is used, and <see cref="DtbLimits"/> bounds depth, counts and names.
/// </summary>
internal sealed class DtbReader
{
    private const uint BeginNode = 1;
    private const uint EndNode = 2;
    private const uint Property = 3;
    private const uint Nop = 4;
    private const uint End = 9;

    private readonly ReadOnlyMemory<byte> _data;
    private readonly DiagnosticBag _bag;
    private readonly DtbHeader _header;
    private readonly List<DtbNode> _nodes = [];
    private readonly Dictionary<int, string> _names = [];
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
    private readonly HashSet<(DtbNode Node, string Name)> _seen = [];
    private int _position;
    private int _properties;

    private DtbReader(ReadOnlyMemory<byte> data, DiagnosticBag bag)
    {
        _data = data;
        _bag = bag;
        _header = DtbHeader.Read(data.Span, bag);
        _position = _header.StructOffset;
    }

    private int StructEnd => _header.StructOffset + _header.StructSize;

    /// <summary>Reads a whole tree. Throws <see cref="BoardFormatException"/> at the first thing that breaks the format.</summary>
    internal static DtbTree Read(ReadOnlyMemory<byte> data, DiagnosticBag bag)
    {
        var reader = new DtbReader(data, bag);
        var reservations = reader.ReadReservations();
        reader.ReadStructure();
        return new DtbTree(reader._nodes, reader.CollectPhandles(), reservations);
    }

    private List<DtbReservation> ReadReservations()
    {
        var reservations = new List<DtbReservation>();
        for (var at = _header.ReserveOffset; ; at += 16)
        {
            if (at + 16 > _header.TotalSize)
            {
                throw _bag.Fatal(
                    "the memory reservation block has no end", "it must end with an entry of address 0 and size 0: the file is damaged", at);
            }

            var entry = _data.Span.Slice(at, 16);
            var reservation = new DtbReservation(BinaryPrimitives.ReadUInt64BigEndian(entry), BinaryPrimitives.ReadUInt64BigEndian(entry[8..]));
            if (reservation == default)
            {
                return reservations;
            }

            reservations.Add(reservation);
        }
    }

    private void ReadStructure()
    {
        DtbNode? node = null;
        while (true)
        {
            var at = _position;
            switch (NextWord("a token"))
            {
                case BeginNode:
                    node = ReadNode(at, node);
                    break;
                case EndNode when node is not null:
                    node = node.Parent;
                    break;
                case Property when node is not null:
                    ReadProperty(at, node);
                    break;
                case Nop:
                    break;
                case End when node is null && _nodes.Count > 0:
                    return;
                case var token:
                    throw Misplaced(token, at, node);
            }
        }
    }

    private BoardFormatException Misplaced(uint token, int at, DtbNode? node)
    {
        var where = node is null ? "outside the root node" : $"in {node.Path}";
        return token switch
        {
            EndNode or Property => _bag.Fatal($"a {(token == EndNode ? "node's end" : "property")} {where}", "the structure block is damaged", at),
            End => _bag.Fatal($"the tree ends {where}", node is null ? "a tree needs a root node" : "the node's end is missing: the file is damaged", at),
            _ => _bag.Fatal($"unknown token 0x{token:x} {where}", "tokens are 1, 2, 3, 4 and 9: the structure block is damaged", at),
        };
    }

    private DtbNode ReadNode(int at, DtbNode? parent)
    {
        if (parent is null && _nodes.Count > 0)
        {
            throw _bag.Fatal("a second root node", "a tree has one root: the file is damaged", at);
        }

        if (_nodes.Count >= DtbLimits.Nodes)
        {
            throw _bag.Fatal($"more than {DtbLimits.Nodes} nodes", "no board has as many: the file is damaged or hostile", at);
        }

        var name = ReadNodeName(parent);
        var path = parent is null ? "/" : parent.Parent is null ? "/" + name : $"{parent.Path}/{name}";
        CheckPath(path, at);
        var node = new DtbNode(name, parent, at, path);
        parent?.Children.Add(node);
        _nodes.Add(node);
        return node;
    }

    private void CheckPath(string path, int at)
    {
        if (path.Length > DtbLimits.PathChars || path.AsSpan().Count('/') > DtbLimits.Depth)
        {
            throw _bag.Fatal(
                $"a node nested deeper than {DtbLimits.Depth} levels or {DtbLimits.PathChars} characters",
                "the kernel refuses it too: the file is damaged or hostile", at);
        }

        if (!_paths.Add(path))
        {
            throw _bag.Fatal($"two nodes {path}", "sibling nodes need different names: mend the .dts", at);
        }
    }

    private string ReadNodeName(DtbNode? parent)
    {
        var at = _position;
        var name = TerminatedName(at, StructEnd, "node name");
        _position = Align(at + name.Length + 1);
        if (name.Length == 0 != parent is null)
        {
            throw _bag.Fatal(
                parent is null ? $"the root node is called '{name}'" : "a node without a name",
                "only the root node has an empty name: the file is damaged", at);
        }

        if (name.Contains('/', StringComparison.Ordinal))
        {
            throw _bag.Fatal($"the node name '{name}' has a slash in it", "names are letters, digits and , . _ + - @", at);
        }

        return name;
    }

    private void ReadProperty(int at, DtbNode node)
    {
        if (++_properties > DtbLimits.Properties)
        {
            throw _bag.Fatal($"more than {DtbLimits.Properties} properties", "no board has as many: the file is damaged or hostile", at);
        }

        var length = NextWord("a property's length");
        var nameOffset = NextWord("a property's name");
        if (length > StructEnd - _position)
        {
            throw _bag.Fatal($"a property of {length} bytes in {node.Path} ends behind the structure block", "the file is damaged", at);
        }

        var name = PropertyName((int)Math.Min(nameOffset, int.MaxValue), at);
        var property = new DtbProperty(name, _data.Slice(_position, (int)length), _position);
        _position = Align(_position + (int)length);
        if (!_seen.Add((node, name)))
        {
            _bag.Warning($"{node.Path} has {name} twice", "the first one counts, as in the kernel", at);
            return;
        }

        node.Add(property);
    }

    private string PropertyName(int offset, int at)
    {
        if (_names.TryGetValue(offset, out var known))
        {
            return known;
        }

        if (offset >= _header.StringsSize)
        {
            throw _bag.Fatal($"a property's name lies at {offset} in a strings block of {_header.StringsSize} bytes", "the file is damaged", at);
        }

        var name = TerminatedName(_header.StringsOffset + offset, _header.StringsOffset + _header.StringsSize, "property name");
        _names.Add(offset, name);
        return name;
    }

    private string TerminatedName(int at, int end, string what)
    {
        var bytes = _data.Span[at..Math.Min(end, at + DtbLimits.NameBytes + 1)];
        var length = bytes.IndexOf((byte)0);
        if (length < 0)
        {
            throw _bag.Fatal($"a {what} without an end within {bytes.Length} bytes", $"names end with a zero byte and have at most {DtbLimits.NameBytes}", at);
        }

        if (bytes[..length].IndexOfAnyExceptInRange((byte)'!', (byte)'~') >= 0)
        {
            throw _bag.Fatal($"a {what} with a blank or a byte that is no printable ASCII", "names are letters, digits and , . _ + - @ # ?", at);
        }

        return Encoding.ASCII.GetString(bytes[..length]);
    }

    private uint NextWord(string what)
    {
        if (_position + 4 > StructEnd)
        {
            throw _bag.Fatal($"the structure block ends where {what} is due", "the file was cut short or is damaged: copy it again", _position);
        }

        var word = BinaryPrimitives.ReadUInt32BigEndian(_data.Span[_position..]);
        _position += 4;
        return word;
    }

    private Dictionary<uint, DtbNode> CollectPhandles()
    {
        var phandles = new Dictionary<uint, DtbNode>();
        foreach (var node in _nodes)
        {
            var phandle = node.Cell("phandle") ?? node.Cell("linux,phandle") ?? 0;
            if (phandle is not (0 or uint.MaxValue) && !phandles.TryAdd(phandle, node))
            {
                _bag.Warning(
                    $"{phandles[phandle].Path} and {node.Path} both have phandle 0x{phandle:x}", "the first one counts: mend the .dts", node.Offset);
            }
        }

        return phandles;
    }

    private static int Align(int position) => (position + 3) & ~3;
}
