namespace IommuCluster.Boards.Yaml;

/// <summary>
/// How nodes name one another: by full path, or by the path's last part where only one node of the board ends so
/// (<c>iommu@15000000</c>).
/// </summary>
internal sealed class NodeReferences
{
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _byName = new(StringComparer.Ordinal);

    internal NodeReferences(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            if (!_paths.Add(path))
            {
                continue;
            }

            var name = NodeDefaults.LastPart(path);
            if (!_byName.TryGetValue(name, out var same))
            {
                _byName.Add(name, same = []);
            }

            same.Add(path);
        }
    }

    /// <summary>The shortest reference that names the node and no other.</summary>
    internal string Shorten(string path)
    {
        var name = NodeDefaults.LastPart(path);
        return _byName.TryGetValue(name, out var same) && same.Count == 1 ? name : path;
    }

    /// <summary>The path that a reference means; null, and why not, when it means none.</summary>
    internal string? Resolve(string reference, out string reason, out string remedy)
    {
        (reason, remedy) = ("", "");
        if (_paths.Contains(reference))
        {
            return reference;
        }

        if (!_byName.TryGetValue(reference, out var same))
        {
            reason = $"no node '{reference}' in this board";
            remedy = Nearest.To(reference, _byName.Keys) is { } near ? $"did you mean '{near}'?" : "add the node, or name another one";
            return null;
        }

        if (same.Count > 1)
        {
            reason = $"{same.Count} nodes are called '{reference}'";
            remedy = $"write the whole path: {string.Join(" or ", same.Take(4))}";
            return null;
        }

        return same[0];
    }
}
