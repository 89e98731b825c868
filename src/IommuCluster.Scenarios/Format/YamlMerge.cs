using IommuCluster.Boards.Yaml;

namespace IommuCluster.Scenarios.Format;

/// <summary>Lays a case's mapping over its scenario's: mappings are merged key by key, everything else is replaced.</summary>
internal static class YamlMerge
{
    internal static YamlMapping Over(YamlMapping below, YamlMapping above)
    {
        var entries = below.Entries.ToList();
        foreach (var (key, value) in above.Entries)
        {
            var at = entries.FindIndex(entry => entry.Key.Text == key.Text);
            if (at < 0)
            {
                entries.Add((key, value));
            }
            else
            {
                entries[at] = (key, entries[at].Value is YamlMapping inner && value is YamlMapping outer ? Over(inner, outer) : value);
            }
        }

        return new YamlMapping(above.Line, above.Column, entries);
    }

    internal static YamlMapping Without(YamlMapping mapping, params ReadOnlySpan<string> keys)
    {
        var kept = new List<(YamlScalar, YamlValue)>();
        foreach (var entry in mapping.Entries)
        {
            if (!keys.Contains(entry.Key.Text))
            {
                kept.Add(entry);
            }
        }

        return mapping with { Entries = kept };
    }
}
