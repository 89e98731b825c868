using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace IommuCluster.Boards.Yaml;

/// <summary>
/// Reads one YAML document into <see cref="YamlValue"/>s. Leaves out what a file of ours needs not and a hostile one would
/// abuse: anchors, aliases, tags, several documents, deep nesting.
/// </summary>
internal sealed class YamlDocument
{
    private const int MaxDepth = 8;

    private readonly Parser _parser;
    private readonly DiagnosticBag _bag;
    private readonly string _thing;
    private readonly string _example;

    private YamlDocument(string text, DiagnosticBag bag, string thing, string example)
    {
        _parser = new Parser(new StringReader(text));
        _bag = bag;
        _thing = thing;
        _example = example;
    }

    /// <summary>Reads a document. Throws <see cref="BoardFormatException"/> at the first place that is no YAML of ours.</summary>
    /// <param name="text">The document.</param>
    /// <param name="bag">Takes what is wrong.</param>
    /// <param name="thing">What the file holds, for messages.</param>
    /// <param name="example">How such a file begins, for messages.</param>
    internal static YamlValue Read(string text, DiagnosticBag bag, string thing = "board", string example = "board: NAME")
    {
        var document = new YamlDocument(text, bag, thing, example);
        try
        {
            return document.ReadRoot();
        }
        catch (YamlException bad)
        {
            throw bag.Fatal(
                $"no YAML: {bad.Message.TrimEnd('.')}", "mind indentation, colons and quotes", (int)bad.Start.Line, (int)bad.Start.Column);
        }
        catch (Exception bad) when (bad is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            // YamlDotNet's scanner trips over some malformed scalars itself (16.3: a plain scalar that starts like an indicator).
            throw document.Refuse("no YAML here or on the lines that follow", "mind indentation, colons and quotes");
        }
    }

    private YamlValue ReadRoot()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            throw _bag.Fatal("an empty file", $"a {_thing} starts with `{_example}`", 1, 1);
        }

        _parser.Consume<DocumentStart>();
        var root = ReadValue(0);
        _parser.Consume<DocumentEnd>();
        if (!_parser.Accept<StreamEnd>(out _))
        {
            throw Refuse("a second document", $"a file holds one {_thing}: remove the `---`");
        }

        return root;
    }

    private YamlValue ReadValue(int depth)
    {
        if (depth > MaxDepth)
        {
            throw Refuse($"values nested deeper than {MaxDepth}", $"a {_thing} is never nested that deep");
        }

        if (_parser.Accept<AnchorAlias>(out _))
        {
            throw Refuse("an alias", "write the value out");
        }

        CheckPlain();
        return _parser switch
        {
            _ when _parser.TryConsume<Scalar>(out var scalar) => Scalar(scalar),
            _ when _parser.TryConsume<SequenceStart>(out var start) => ReadSequence(start, depth),
            _ => ReadMapping(_parser.Consume<MappingStart>(), depth),
        };
    }

    private void CheckPlain()
    {
        if (_parser.Accept<NodeEvent>(out var node) && (!node.Anchor.IsEmpty || !node.Tag.IsEmpty))
        {
            throw Refuse("an anchor or a tag", $"leave it out: a {_thing}'s values need neither");
        }
    }

    private YamlSequence ReadSequence(SequenceStart start, int depth)
    {
        var items = new List<YamlValue>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(ReadValue(depth + 1));
        }

        return new YamlSequence((int)start.Start.Line, (int)start.Start.Column, items);
    }

    private YamlMapping ReadMapping(MappingStart start, int depth)
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        var entries = new List<(YamlScalar, YamlValue)>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (!_parser.Accept<Scalar>(out _))
            {
                throw Refuse("a key that is no word", "write `key: value`");
            }

            CheckPlain();
            var key = Scalar(_parser.Consume<Scalar>());
            if (!keys.Add(key.Text))
            {
                _bag.Error($"'{key.Text}' is given twice", "remove one of the two", key.Line, key.Column);
            }

            entries.Add((key, ReadValue(depth + 1)));
        }

        return new YamlMapping((int)start.Start.Line, (int)start.Start.Column, entries);
    }

    private static YamlScalar Scalar(Scalar scalar) => new((int)scalar.Start.Line, (int)scalar.Start.Column, scalar.Value);

    private BoardFormatException Refuse(string reason, string remedy)
    {
        var start = _parser.Current?.Start ?? Mark.Empty;
        return _bag.Fatal(reason, remedy, Math.Max(1, (int)start.Line), Math.Max(1, (int)start.Column));
    }
}
