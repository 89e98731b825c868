using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Yaml;

/// <summary>Reads a board in our YAML form; the form is told in the project's README.</summary>
internal sealed class BoardYamlReader
{
    private readonly DiagnosticBag _bag;
    private readonly MappingReader _root;
    private readonly List<MappingReader> _entries;
    private readonly NodeReferences _references;
    private readonly Dictionary<string, int> _cells = new(StringComparer.Ordinal);

    private BoardYamlReader(YamlMapping root, DiagnosticBag bag)
    {
        _bag = bag;
        _root = new MappingReader(root, bag);
        _entries = _root.Items("nodes");
        _references = new NodeReferences(_entries.Select(PathOf).OfType<string>());
    }

    /// <summary>Reads a board. Throws <see cref="BoardFormatException"/> with everything that is wrong.</summary>
    internal static Board Read(string text, string file)
    {
        var bag = new DiagnosticBag(file);
        var root = YamlDocument.Read(text, bag);
        if (root is not YamlMapping mapping)
        {
            throw bag.Fatal("no board", "a board starts with `board: NAME`", root.Line, root.Column);
        }

        var board = new BoardYamlReader(mapping, bag).ReadBoard();
        bag.ThrowIfErrors();
        return board;
    }

    private Board ReadBoard()
    {
        CheckOrder();
        var board = new Board(
            _root.RequiredText("board", "rk3288-firefly"),
            _root.Text("model") ?? "",
            _root.Words("compatible"),
            ReadArchitecture(),
            _root.Text("source") ?? "",
            [.. _entries.Select(ReadNode)],
            [.. _root.Items("reserved-memory").Select(ReadRegion)])
        {
            LiveGroups = [.. _root.Items("live-groups").Select(ReadGroup)],
        };
        _root.Finish();
        return board;
    }

    private Architecture ReadArchitecture()
    {
        var text = _root.RequiredText("architecture", "arm64");
        if (!Keys.Architectures.TryGetValue(text, out var architecture) && text.Length > 0)
        {
            _bag.Error($"architecture '{text}' is unknown", "write arm, arm64 or x86", _root.Mapping.Line, _root.Mapping.Column);
        }

        return architecture;
    }

    // Paths are checked before nodes are read, because nodes may name nodes further down.
    private void CheckOrder()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var parents = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in _entries)
        {
            if (PathOf(entry) is not { } path)
            {
                Error(entry, "a node without a proper path", "write `path: /soc/iommu@15000000`: parts without blanks, 1024 characters at most");
                continue;
            }

            _cells.TryAdd(path, (int)Math.Min(PeekNumber(entry, "iommu-cells"), int.MaxValue));
            if (!seen.Add(path))
            {
                Error(entry, $"two nodes {path}", "remove one of the two");
            }
            else if (parents.Contains(path))
            {
                Error(entry, $"{path} comes after a node below it", "put parents before their children");
            }

            for (var slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
            {
                if (!parents.Add(path[..slash]))
                {
                    break;
                }
            }
        }
    }

    private static string? PathOf(MappingReader entry) => entry.Find("path") is YamlScalar { Text: { Length: > 1 and <= 1024 } path }
        && path[0] == '/' && path[^1] != '/' && !path.Contains("//", StringComparison.Ordinal) && !path.Any(c => c is <= ' ' or > '~')
        ? path
        : null;

    private static ulong PeekNumber(MappingReader entry, string key) =>
        entry.Find(key) is YamlScalar { Text: var text } && ulong.TryParse(text, out var number) ? number : 0;

    private FirmwareNode ReadNode(MappingReader entry)
    {
        var path = PathOf(entry) ?? "/";
        var needs = ReadNeeds(entry);
        var node = new FirmwareNode(
            path,
            entry.Text("name") ?? NodeDefaults.Name(path),
            entry.Words("compatible"),
            entry.Flag("enabled") ?? true,
            (int?)entry.Number("iommu-cells", 16),
            (int?)entry.Number("registers", ushort.MaxValue) ?? NodeDefaults.Registers(path),
            (int?)entry.Number("interrupts", int.MaxValue) ?? NodeDefaults.Interrupts(needs),
            (int)(entry.Number("global-interrupts", ushort.MaxValue) ?? 0),
            (uint)(entry.Number("stream-match-mask", uint.MaxValue) ?? 0),
            [.. entry.Lines("iommus").Select(line => ReadSpecifier(entry, line)).OfType<IommuSpecifier>()],
            [.. entry.Lines("iommu-map").Select(line => ReadMapEntry(entry, line)).OfType<IommuMapEntry>()],
            (uint)(entry.Number("iommu-map-mask", uint.MaxValue) ?? uint.MaxValue),
            needs,
            entry.Flag("dma-coherent"));
        entry.Finish();
        return node;
    }

    // REFERENCE CELL...
    private IommuSpecifier? ReadSpecifier(MappingReader entry, YamlScalar line)
    {
        var words = line.Words();
        if (words.Length == 0 || Resolve(line, words[0]) is not { } iommu)
        {
            return words.Length == 0 ? Malformed<IommuSpecifier>(line, "an empty specifier", "write an IOMMU and its cells: `iommu@15000000 0x300 0x0`") : null;
        }

        var cells = ReadCells(entry, line, words[1..]);
        return cells.Length == _cells[iommu]
            ? new IommuSpecifier(iommu, cells)
            : Malformed<IommuSpecifier>(line, $"{cells.Length} cells for {iommu}", $"its iommu-cells is {_cells[iommu]}");
    }

    // ID REFERENCE CELL... LENGTH
    private IommuMapEntry? ReadMapEntry(MappingReader entry, YamlScalar line)
    {
        var words = line.Words();
        if (words.Length < 3)
        {
            return Malformed<IommuMapEntry>(line, "a map entry that is too short", "write id, IOMMU, output cells and length: `0x100 iommu@15000000 0x1c81 1`");
        }

        var iommu = Resolve(line, words[1]);
        var cells = ReadCells(entry, line, words[2..^1]);
        var (id, length) = (entry.Number(line, words[0], uint.MaxValue), entry.Number(line, words[^1], uint.MaxValue));
        if (iommu is null || id is null || length is null)
        {
            return null;
        }

        return cells.Length == 1 || cells.Length == _cells[iommu]
            ? new IommuMapEntry((uint)id, iommu, cells, (uint)length)
            : Malformed<IommuMapEntry>(line, $"{cells.Length} output cells for {iommu}", $"write one, or as many as its iommu-cells: {_cells[iommu]}");
    }

    private static ImmutableArray<uint> ReadCells(MappingReader entry, YamlScalar line, string[] words) =>
        [.. words.Select(word => (uint)(entry.Number(line, word, uint.MaxValue) ?? 0))];

    private ImmutableArray<Supplier> ReadNeeds(MappingReader entry)
    {
        if (entry.Child("needs") is not { } needs)
        {
            return [];
        }

        var suppliers = ImmutableArray.CreateBuilder<Supplier>();
        foreach (var (key, _) in needs.Mapping.Entries)
        {
            if (!Keys.SupplierKinds.TryGetValue(key.Text, out var kind))
            {
                var known = Keys.SupplierKinds.Keys.Order(StringComparer.Ordinal).ToList();
                var remedy = Nearest.To(key.Text, known) is { } near ? $"did you mean '{near}'?" : $"known are {string.Join(", ", known)}";
                _bag.Error($"'{key.Text}' is no kind of supplier", remedy, key.Line, key.Column);
                continue;
            }

            suppliers.AddRange(References(needs, key.Text).Select(node => new Supplier(kind, node)));
        }

        return suppliers.ToImmutable();
    }

    private List<string> References(MappingReader reader, string key) =>
        [.. reader.Lines(key).SelectMany(line => line.Words().Select(word => Resolve(line, word))).OfType<string>()];

    private ReservedRegion ReadRegion(MappingReader entry)
    {
        var path = PathOf(entry);
        if (path is null)
        {
            Error(entry, "a region without a proper path", "write `path: /reserved-memory/framebuffer@67000000`");
        }

        var (start, length) = entry.Lines("reg") is [var reg, ..] ? ReadRange(entry, reg, reg.Words()) : (default(ulong?), 0UL);
        var addresses = entry.Lines("iommu-addresses").Select(line => ReadAddressRange(entry, line)).OfType<IommuAddressRange>().ToImmutableArray();
        var region = new ReservedRegion(path ?? "/", start, length, addresses, [.. References(entry, "users")]);
        entry.Finish();
        return region;
    }

    // Devices need not be nodes of the board: a running machine has more than its firmware tells.
    private LiveGroup ReadGroup(MappingReader entry)
    {
        var number = (int?)entry.Number("group", int.MaxValue);
        if (number is null)
        {
            Error(entry, "a group without a number", "write `group: 3`");
        }

        var group = new LiveGroup(number ?? 0, entry.Text("type") ?? "", entry.Words("devices"));
        entry.Finish();
        return group;
    }

    // REFERENCE START LENGTH
    private IommuAddressRange? ReadAddressRange(MappingReader entry, YamlScalar line)
    {
        var words = line.Words();
        if (words.Length != 3)
        {
            return Malformed<IommuAddressRange>(line, "no range of a device", "write device, first address and length: `display@14830000 0x67000000 0x410a00`");
        }

        var device = Resolve(line, words[0]);
        var (start, length) = ReadRange(entry, line, words[1..]);
        return device is null || start is null ? null : new IommuAddressRange(device, start.Value, length);
    }

    // START LENGTH
    private (ulong? Start, ulong Length) ReadRange(MappingReader entry, YamlScalar line, string[] words)
    {
        if (words.Length == 2)
        {
            return (entry.Number(line, words[0], ulong.MaxValue), entry.Number(line, words[1], ulong.MaxValue) ?? 0);
        }

        _bag.Error("no range of addresses", "write first address and length: `0x67000000 0x410a00`", line.Line, line.Column);
        return (null, 0);
    }

    private string? Resolve(YamlScalar place, string reference)
    {
        var path = _references.Resolve(reference, out var reason, out var remedy);
        if (path is null)
        {
            _bag.Error(reason, remedy, place.Line, place.Column);
        }

        return path;
    }

    private T? Malformed<T>(YamlScalar place, string reason, string remedy)
        where T : class
    {
        _bag.Error(reason, remedy, place.Line, place.Column);
        return null;
    }

    private void Error(MappingReader entry, string reason, string remedy) => _bag.Error(reason, remedy, entry.Mapping.Line, entry.Mapping.Column);
}
