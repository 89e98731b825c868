using System.Collections.Immutable;
using System.Globalization;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Acpi;

/// <summary>
/// A board under construction from the tables of one machine. Tables name neither drivers nor <c>compatible</c>: IOMMUs
/// get the one that a device tree would have, host bridges the id that ACPI has for them, functions and named components
/// one of ours. IOMMUs come first, then each host with the functions that the tables name, then named components.
/// </summary>
internal sealed class AcpiBoard
{
    private const string HostCompatible = "PNP0A08";
    private const string ComponentCompatible = "acpi-device";

    private readonly List<Part> _iommus = [];
    private readonly SortedDictionary<int, Host> _hosts = [];
    private readonly List<Part> _components = [];
    private readonly List<ReservedRegion> _regions = [];
    private readonly Dictionary<string, int> _paths = new(StringComparer.Ordinal);
    private int _nodes;
    private int _entries;

    /// <summary>Adds an IOMMU.</summary>
    /// <param name="table">The table that describes it.</param>
    /// <param name="offset">Where, for diagnostics.</param>
    /// <param name="kind">Node name: <c>smmu-v3</c>, <c>dmar</c>.</param>
    /// <param name="unit">What tells it from others of the kind: an address or a PCI address.</param>
    /// <param name="name">Its Linux name.</param>
    /// <param name="compatible">What a device tree would call it.</param>
    /// <returns>The IOMMU, to which masters point.</returns>
    internal Part AddIommu(AcpiTable table, int offset, string kind, string unit, string name, string compatible)
    {
        var part = new Part(Unique($"/{kind}@{unit}"), name, compatible) { IommuCells = 1 };
        CountNode(table, offset);
        _iommus.Add(part);
        return part;
    }

    /// <summary>Adds a device that the namespace has (a named component).</summary>
    internal Part AddComponent(AcpiTable table, int offset, string name)
    {
        name = name.TrimStart('\\') is { Length: > 0 } tail ? tail : "unnamed";
        var part = new Part(Unique($"/acpi/{name.Replace('/', '-')}"), name, ComponentCompatible);
        CountNode(table, offset);
        _components.Add(part);
        return part;
    }

    /// <summary>The host bridge of a segment, made when it is asked for first.</summary>
    internal Host HostOf(AcpiTable table, int offset, int segment)
    {
        if (!_hosts.TryGetValue(segment, out var host))
        {
            CountNode(table, offset);
            _hosts.Add(segment, host = new Host(new Part(Unique($"/pci@{segment:x}"), string.Create(CultureInfo.InvariantCulture, $"pci{segment:x4}:00"), HostCompatible)));
        }

        return host;
    }

    /// <summary>A PCI function that a table names, made when it is asked for first.</summary>
    internal Part FunctionAt(AcpiTable table, int offset, int segment, int requesterId)
    {
        var host = HostOf(table, offset, segment);
        if (!host.Functions.TryGetValue(requesterId, out var function))
        {
            CountNode(table, offset);
            var name = PciFunctions.NameOf(segment, (uint)requesterId);
            host.Functions.Add(requesterId, function = new Part(Unique($"{host.Bridge.Path}/{name}"), name, PciFunctions.Compatible));
        }

        return function;
    }

    /// <summary>Notes one more specifier, map entry or reserved range.</summary>
    internal void CountEntry(AcpiTable table, int offset)
    {
        if (++_entries > AcpiLimits.Entries)
        {
            throw table.Bag.Fatal($"the machine's maps have more than {AcpiLimits.Entries} entries", "no machine has so many: the table is damaged", offset);
        }
    }

    /// <summary>Adds a region that must stay mapped one to one for some masters. A region of no known master is left out.</summary>
    internal void AddRegion(AcpiTable table, int offset, ulong start, ulong length, IReadOnlyList<Part> masters)
    {
        if (masters.Count == 0)
        {
            return;
        }

        foreach (var _ in masters)
        {
            CountEntry(table, offset);
        }

        _regions.Add(new ReservedRegion(
            Unique($"/reserved/region@{start:x}"), start, length, [.. masters.Select(master => new IommuAddressRange(master.Path, start, length))], []));
    }

    /// <summary>All masters: hosts with a map, functions, components.</summary>
    internal IEnumerable<Part> Masters() =>
        _hosts.Values.SelectMany(host => host.Functions.Values.Prepend(host.Bridge)).Concat(_components).Where(part => part.IsMaster);

    /// <summary>Finishes the board.</summary>
    internal Board ToBoard(string name, string model, Architecture architecture, string source)
    {
        // A function without a word of its own is behind the IOMMU that its host's map tells.
        foreach (var host in _hosts.Values)
        {
            var bridge = host.Bridge.ToNode();
            foreach (var (id, function) in host.Functions.Where(pair => !pair.Value.IsMaster))
            {
                if (IommuMap.Translate(bridge, (uint)id).Specifier is { } specifier)
                {
                    function.Iommus.Add(specifier);
                }
            }
        }

        return new Board(
            name, model, [], architecture, source,
            [
                .. _iommus.Select(part => part.ToNode()),
                .. _hosts.Values.SelectMany(host => host.Functions.Values.Prepend(host.Bridge)).Select(part => part.ToNode()),
                .. _components.Select(part => part.ToNode()),
            ],
            [.. _regions]);
    }

    private string Unique(string path)
    {
        var same = _paths.GetValueOrDefault(path) + 1;
        _paths[path] = same;
        return same == 1 ? path : Unique(string.Create(CultureInfo.InvariantCulture, $"{path},{same}"));
    }

    private void CountNode(AcpiTable table, int offset)
    {
        if (++_nodes > AcpiLimits.Nodes)
        {
            throw table.Bag.Fatal($"the tables describe more than {AcpiLimits.Nodes} nodes", "no machine has so many: the table is damaged", offset);
        }
    }

    /// <summary>A host bridge and the functions behind it, by requester id.</summary>
    internal sealed record Host(Part Bridge)
    {
        internal SortedDictionary<int, Part> Functions { get; } = [];
    }

    /// <summary>One node under construction.</summary>
    internal sealed class Part(string path, string name, string compatible)
    {
        internal string Path => path;

        internal string Name => name;

        internal int? IommuCells { get; init; }

        internal int Interrupts { get; set; }

        internal int GlobalInterrupts { get; set; }

        internal bool? Coherent { get; set; }

        internal List<IommuSpecifier> Iommus { get; } = [];

        internal List<IommuMapEntry> Map { get; } = [];

        internal bool IsMaster => Iommus.Count > 0 || Map.Count > 0;

        internal FirmwareNode ToNode() => new(
            path, name, [compatible], Enabled: true, IommuCells, IommuCells is null ? 0 : 1, Interrupts, GlobalInterrupts,
            StreamMatchMask: 0, [.. Iommus], [.. Map], uint.MaxValue, [], Coherent);
    }
}
