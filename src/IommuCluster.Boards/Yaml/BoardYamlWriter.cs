using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Yaml;

/// <summary>Writes a board in our YAML form: one entry a node, what goes without saying left out.</summary>
internal sealed partial class BoardYamlWriter
{
    private readonly StringBuilder _text = new();
    private readonly NodeReferences _references;

    private BoardYamlWriter(Board board) => _references = new NodeReferences(board.Nodes.Select(node => node.Path));

    /// <summary>The board as text that <see cref="BoardYamlReader"/> reads back to an equal board.</summary>
    internal static string Write(Board board)
    {
        var writer = new BoardYamlWriter(board);
        writer.WriteBoard(board);
        return writer._text.ToString();
    }

    private void WriteBoard(Board board)
    {
        Line("# What a board's firmware says about its IOMMUs; the form is told in src/IommuCluster.Boards/README.md.", "");
        Line("board: ", Scalar(board.Name));
        Line("model: ", Scalar(board.Model));
        Words("compatible: ", board.Compatible);
        Line("architecture: ", Keys.Architectures.First(pair => pair.Value == board.Architecture).Key);
        Line("source: ", Scalar(board.Source));
        Line("nodes:", board.Nodes.IsEmpty ? " []" : "");
        foreach (var node in board.Nodes)
        {
            WriteNode(node);
        }

        if (!board.ReservedMemory.IsEmpty)
        {
            Line("reserved-memory:", "");
        }

        foreach (var region in board.ReservedMemory)
        {
            WriteRegion(region);
        }

        if (!board.LiveGroups.IsEmpty)
        {
            Line("live-groups:", "");
        }

        foreach (var group in board.LiveGroups)
        {
            Line("  - group: ", $"{group.Number}");
            Field("type", group.Type.Length == 0 ? null : Scalar(group.Type));
            if (!group.Devices.IsEmpty)
            {
                Words("    devices: ", group.Devices);
            }
        }
    }

    private void WriteNode(FirmwareNode node)
    {
        Line("  - path: ", Safe(node.Path));
        Field("name", node.Name.Equals(NodeDefaults.Name(node.Path), StringComparison.Ordinal) ? null : Scalar(node.Name));
        if (!node.Compatible.IsEmpty)
        {
            Words("    compatible: ", node.Compatible);
        }

        Field("enabled", node.Enabled ? null : "false");
        Field("iommu-cells", Number(node.IommuCells));
        Field("registers", Number(node.Registers, NodeDefaults.Registers(node.Path)));
        Field("interrupts", Number(node.Interrupts, NodeDefaults.Interrupts(node.Suppliers)));
        Field("global-interrupts", Number(node.GlobalInterrupts, 0));
        Field("stream-match-mask", node.StreamMatchMask == 0 ? null : $"0x{node.StreamMatchMask:x}");
        Field("dma-coherent", node.DmaCoherent is { } coherent ? coherent ? "true" : "false" : null);
        Lines("iommus", [.. node.Iommus.Select(specifier => $"{Reference(specifier.Iommu)}{Cells(specifier.Cells)}")]);
        Lines("iommu-map", [.. node.IommuMap.Select(entry => $"0x{entry.IdBase:x} {Reference(entry.Iommu)}{Cells(entry.Cells)} 0x{entry.Length:x}")]);
        Field("iommu-map-mask", node.IommuMapMask == uint.MaxValue ? null : $"0x{node.IommuMapMask:x}");
        WriteNeeds(node.Suppliers);
    }

    private void WriteNeeds(ImmutableArray<Supplier> suppliers)
    {
        if (suppliers.IsEmpty)
        {
            return;
        }

        Line("    needs:", "");
        foreach (var kind in suppliers.GroupBy(supplier => supplier.Kind))
        {
            Line($"      {Keys.SupplierNames[kind.Key]}: ", Safe(string.Join(' ', kind.Select(supplier => Reference(supplier.Node)))));
        }
    }

    private void WriteRegion(ReservedRegion region)
    {
        Line("  - path: ", Safe(region.Path));
        Field("reg", region.Base is { } start ? $"0x{start:x} 0x{region.Length:x}" : null);
        Lines("iommu-addresses", [.. region.IommuAddresses.Select(range => $"{Reference(range.Device)} 0x{range.Start:x} 0x{range.Length:x}")]);
        Field("users", region.Users.IsEmpty ? null : Safe(string.Join(' ', region.Users.Select(Reference))));
    }

    private string Reference(string path) => _references.Shorten(path);

    private static string Cells(ImmutableArray<uint> cells) => string.Concat(cells.Select(cell => $" 0x{cell:x}"));

    private static string? Number(int? value, int? unsaid = null) => value is { } number && value != unsaid ? $"{number}" : null;

    private void Field(string key, string? value)
    {
        if (value is not null)
        {
            Line($"    {key}: ", value);
        }
    }

    private void Lines(string key, string[] lines)
    {
        if (lines.Length == 1)
        {
            Field(key, Safe(lines[0]));
        }
        else if (lines.Length > 1)
        {
            Line($"    {key}:", "");
            foreach (var line in lines)
            {
                Line("      - ", Safe(line));
            }
        }
    }

    // Words are parted by blanks; where one has a blank itself, or needs quotes, they become a sequence.
    private void Words(string key, ImmutableArray<string> words)
    {
        if (!words.IsEmpty && words.All(word => PlainWord().IsMatch(word)))
        {
            Line(key, string.Join(' ', words));
        }
        else
        {
            Line(key, $"[{string.Join(", ", words.Select(Quote))}]");
        }
    }

    private void Line(string start, string rest) => _text.Append(start).Append(rest).Append('\n');

    private static string Scalar(string text) => PlainText().IsMatch(text) && !OtherType().IsMatch(text) ? text : Quote(text);

    // Paths and what is made of them: plain, unless a node has signs in its name that no board's has.
    private static string Safe(string line) => PlainLine().IsMatch(line) ? line : Quote(line);

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '"' or '\\' => quoted.Append('\\').Append(rune),
                (>= ' ' and <= '~') or (>= 0xa1 and < 0x2000) => quoted.Append(rune),
                <= 0xffff => quoted.Append($"\\u{rune.Value:x4}"),
                _ => quoted.Append($"\\U{rune.Value:x8}"),
            };
        }

        return quoted.Append('"').ToString();
    }

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._,+@/-]*\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlainWord();

    [GeneratedRegex(@"^[A-Za-z0-9](?:[A-Za-z0-9._,+@/()&-]|:(?=[^ ])| (?=[^ ]))*\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlainText();

    [GeneratedRegex(@"^[A-Za-z0-9/_][A-Za-z0-9/_.,+@ -]*\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PlainLine();

    // What other readers of YAML would take for something else than text.
    [GeneratedRegex(@"^(?:true|false|yes|no|on|off|null|y|n|[0-9][0-9a-fA-FxXoO.:_eE+-]*)\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OtherType();
}
