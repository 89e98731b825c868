namespace IommuCluster.Boards.Yaml;

/// <summary>A YAML value and where it starts; lines and columns count from 1.</summary>
internal abstract record YamlValue(int Line, int Column);

/// <summary>A scalar; its text as written, quotes and escapes resolved, types left to whoever reads it.</summary>
internal sealed record YamlScalar(int Line, int Column, string Text) : YamlValue(Line, Column)
{
    private static readonly char[] s_blanks = [' ', '\t', '\n'];

    internal string[] Words() => Text.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A sequence.</summary>
internal sealed record YamlSequence(int Line, int Column, IReadOnlyList<YamlValue> Items) : YamlValue(Line, Column);

/// <summary>A mapping, its keys unique and in the order of the file.</summary>
internal sealed record YamlMapping(int Line, int Column, IReadOnlyList<(YamlScalar Key, YamlValue Value)> Entries) : YamlValue(Line, Column);
