namespace IommuCluster.Boards.Dtb;

/// <summary>A node of the tree as it was flattened.</summary>
internal sealed class DtbNode(string name, DtbNode? parent, int offset, string path)
{
    // Most nodes have a dozen properties; beyond this many, looking one up by a walk would take too long.
    private const int IndexFrom = 32;

    private readonly List<DtbProperty> _properties = [];
    private Dictionary<string, DtbProperty>? _index;
    private uint? _addressCells;
    private uint? _sizeCells;

    /// <summary>Name with unit address (<c>ufshc@1d84000</c>); empty for the root.</summary>
    internal string Name => name;

    /// <summary>Name without unit address (<c>ufshc</c>).</summary>
    internal string BaseName => name.Split('@', 2)[0];

    internal DtbNode? Parent => parent;

    /// <summary>Byte offset of the node's begin token, for diagnostics.</summary>
    internal int Offset => offset;

    internal string Path => path;

    internal List<DtbNode> Children { get; } = [];

    internal IReadOnlyList<DtbProperty> Properties => _properties;

    /// <summary><c>#address-cells</c> for the node's children; where it has none, its parent's; 1 at last. Not before the tree is read.</summary>
    internal uint AddressCells => _addressCells ??= Cell("#address-cells") ?? parent?.AddressCells ?? 1;

    /// <summary><c>#size-cells</c> for the node's children; where it has none, its parent's; 1 at last. Not before the tree is read.</summary>
    internal uint SizeCells => _sizeCells ??= Cell("#size-cells") ?? parent?.SizeCells ?? 1;

    /// <summary>Adds a property whose name the node does not have yet.</summary>
    internal void Add(DtbProperty property)
    {
        _properties.Add(property);
        _index?.Add(property.Name, property);
    }

    /// <summary>The property of that name, or null.</summary>
    internal DtbProperty? Find(string property)
    {
        if (_properties.Count >= IndexFrom)
        {
            _index ??= _properties.ToDictionary(candidate => candidate.Name, StringComparer.Ordinal);
            return _index.GetValueOrDefault(property);
        }

        foreach (var candidate in _properties)
        {
            if (candidate.Name.Equals(property, StringComparison.Ordinal))
            {
                return candidate;
            }
        }

        return null;
    }

    internal bool Has(string property) => Find(property) is not null;

    /// <summary>A property's first cell, or null when there is no such property or it is too short.</summary>
    internal uint? Cell(string property) => Find(property) is { Cells: > 0 } found ? found.Cell(0) : null;

    /// <summary>The strings of <c>compatible</c>, most specific first; empty when there is none.</summary>
    internal List<string> Compatible() => Find("compatible")?.Texts() ?? [];

    /// <summary>The kernel's of_device_is_available(): the node's own <c>status</c> only.</summary>
    internal bool IsAvailable() => Find("status")?.Text() is null or "okay" or "ok";
}
