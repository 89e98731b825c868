using System.Collections.Immutable;
using System.Globalization;

namespace IommuCluster.Boards.Yaml;

/// <summary>Takes the values out of a mapping key by key, and says what is wrong with each; at the end, which keys are unknown.</summary>
internal sealed class MappingReader(YamlMapping mapping, DiagnosticBag bag)
{
    private readonly List<string> _known = [];

    internal YamlMapping Mapping => mapping;

    /// <summary>The value of a key, or null.</summary>
    internal YamlValue? Find(string key)
    {
        _known.Add(key);
        foreach (var (name, value) in mapping.Entries)
        {
            if (name.Text.Equals(key, StringComparison.Ordinal))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>A text, or null when the key is not there.</summary>
    internal string? Text(string key) => Find(key) is { } value ? Scalar(value, key)?.Text : null;

    /// <summary>A text that must be there; an error is noted and an empty text answered when it is not.</summary>
    internal string RequiredText(string key, string example)
    {
        var text = Text(key);
        if (string.IsNullOrEmpty(text))
        {
            bag.Error($"{key} is missing", $"write `{key}: {example}`", mapping.Line, mapping.Column);
        }

        return text ?? "";
    }

    /// <summary>Words: a text split at blanks, or a sequence of texts taken whole.</summary>
    internal ImmutableArray<string> Words(string key) => Find(key) switch
    {
        null => [],
        YamlSequence sequence => [.. sequence.Items.Select(item => Scalar(item, key)?.Text).OfType<string>()],
        var value => [.. Scalar(value, key)?.Words() ?? []],
    };

    /// <summary>Lines: one text, or a sequence of texts.</summary>
    internal List<YamlScalar> Lines(string key) => Find(key) switch
    {
        null => [],
        YamlSequence sequence => [.. sequence.Items.Select(item => Scalar(item, key)).OfType<YamlScalar>()],
        var value => Scalar(value, key) is { } scalar ? [scalar] : [],
    };

    /// <summary>The mappings of a sequence.</summary>
    internal List<MappingReader> Items(string key)
    {
        switch (Find(key))
        {
            case null:
                return [];
            case YamlSequence sequence:
                return [.. sequence.Items.Select(item => AsMapping(item, key)).OfType<MappingReader>()];
            case var value:
                bag.Error($"{key} is no list", "start each entry with `- `", value.Line, value.Column);
                return [];
        }
    }

    /// <summary>A mapping inside this one, or null.</summary>
    internal MappingReader? Child(string key) => Find(key) is { } value ? AsMapping(value, key) : null;

    /// <summary>A number from 0 to a maximum; null when the key is not there or the value is none.</summary>
    internal ulong? Number(string key, ulong maximum) =>
        Find(key) is { } value && Scalar(value, key) is { } scalar ? Number(scalar, scalar.Text, maximum) : null;

    /// <summary>True or false; null when the key is not there.</summary>
    internal bool? Flag(string key)
    {
        if (Find(key) is not { } value || Scalar(value, key) is not { } scalar)
        {
            return null;
        }

        if (scalar.Text is not ("true" or "false"))
        {
            bag.Error($"{key} is '{scalar.Text}'", "write true or false", scalar.Line, scalar.Column);
        }

        return scalar.Text is "true";
    }

    /// <summary>A number written in decimal or, after 0x, in hexadecimal; null, and an error, when it is none.</summary>
    internal ulong? Number(YamlScalar place, string word, ulong maximum)
    {
        var isHex = word.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var style = isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        if (ulong.TryParse(isHex ? word[2..] : word, style, CultureInfo.InvariantCulture, out var number) && number <= maximum)
        {
            return number;
        }

        bag.Error($"'{word}' is no number from 0 to 0x{maximum:x}", "write it as 12 or 0xc", place.Line, place.Column);
        return null;
    }

    /// <summary>Notes an error for every key that nobody asked for.</summary>
    internal void Finish()
    {
        foreach (var (key, _) in mapping.Entries.Where(entry => !_known.Contains(entry.Key.Text)))
        {
            var remedy = Nearest.To(key.Text, _known) is { } near ? $"did you mean '{near}'?" : $"known here: {string.Join(", ", _known)}";
            bag.Error($"'{key.Text}' is unknown here", remedy, key.Line, key.Column);
        }
    }

    private YamlScalar? Scalar(YamlValue value, string key)
    {
        if (value is YamlScalar scalar)
        {
            return scalar;
        }

        bag.Error($"{key} is no text", $"write `{key}: value`", value.Line, value.Column);
        return null;
    }

    private MappingReader? AsMapping(YamlValue value, string key)
    {
        if (value is YamlMapping inner)
        {
            return new MappingReader(inner, bag);
        }

        bag.Error($"{key} needs `key: value` pairs here", "mind the indentation", value.Line, value.Column);
        return null;
    }
}
