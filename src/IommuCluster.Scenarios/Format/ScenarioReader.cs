using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using IommuCluster.Boards;
using IommuCluster.Boards.Yaml;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Format;

/// <summary>Reads scenarios; the form is told in <c>scenarios/README.md</c>.</summary>
internal sealed partial class ScenarioReader
{
    private static readonly string[] s_scenarioOnly = ["title", "systems", "catalogue", "cases"];

    private static readonly SearchValues<char> s_notInTokens = SearchValues.Create(" \t\n/%@+");

    private readonly string _name;
    private readonly DiagnosticBag _bag;
    private readonly BoardCatalog _boards;
    private readonly Dictionary<string, Board?> _loaded = new(StringComparer.Ordinal);

    private ScenarioReader(string name, DiagnosticBag bag, BoardCatalog boards)
    {
        _name = name;
        _bag = bag;
        _boards = boards;
    }

    /// <summary>Reads a scenario.</summary>
    /// <param name="text">The file's text.</param>
    /// <param name="file">What diagnostics call the input.</param>
    /// <param name="name">The scenario's name.</param>
    /// <param name="boards">Where boards are found by name.</param>
    /// <returns>The scenario.</returns>
    /// <exception cref="ScenarioException">With everything that is wrong.</exception>
    internal static Scenario Read(string text, string file, string name, BoardCatalog boards)
    {
        var bag = new DiagnosticBag(file);
        try
        {
            var root = YamlDocument.Read(text, bag, "scenario", "title: WHAT IT SHOWS");
            if (root is not YamlMapping mapping)
            {
                throw bag.Fatal("no scenario", "a scenario starts with `title: WHAT IT SHOWS`", root.Line, root.Column);
            }

            var scenario = new ScenarioReader(name, bag, boards).ReadScenario(mapping);
            bag.ThrowIfErrors();
            return scenario;
        }
        catch (BoardFormatException bad)
        {
            throw new ScenarioException([.. bad.Diagnostics.OrderBy(each => each.File == file ? 0 : 1).ThenBy(each => each.Line ?? 0).ThenBy(each => each.Column ?? 0)]);
        }
    }

    private Scenario ReadScenario(YamlMapping root)
    {
        var reader = new MappingReader(root, _bag);
        var title = reader.RequiredText("title", "RK3288 display refused with -EBUSY");
        var systems = reader.Words("systems");
        var catalogue = reader.Words("catalogue");
        var common = YamlMerge.Without(root, s_scenarioOnly);
        var cases = ImmutableArray.CreateBuilder<ScenarioCase>();
        if (reader.Child("cases") is { } children)
        {
            foreach (var (key, value) in children.Mapping.Entries)
            {
                if (value is YamlMapping child)
                {
                    cases.Add(ReadCase(key, YamlMerge.Over(common, child)));
                }
                else
                {
                    _bag.Error($"case {key.Text} needs `key: value` pairs", "write `profile: linux-6.6` and `expect: clean` below it", value.Line, value.Column);
                }

                CheckCaseName(key);
            }
        }
        else
        {
            // Without cases the common part is read for its own sake, so that its mistakes show at once.
            _bag.Error("cases is missing", "write `cases:` and below it `bug: { profile: linux-6.6, expect: clean }`", root.Line, root.Column);
            ReadCase(new YamlScalar(root.Line, root.Column, "case"), common);
        }

        return new Scenario(_name, _bag.File, title, systems, catalogue, cases.ToImmutable());
    }

    private void CheckCaseName(YamlScalar key)
    {
        if (key.Text.Length == 0 || key.Text.AsSpan().ContainsAny(s_notInTokens))
        {
            _bag.Error($"case name '{key.Text}' has blanks or one of / % @ +", "write letters, digits and dashes: it becomes part of replay tokens", key.Line, key.Column);
        }
    }

    private ScenarioCase ReadCase(YamlScalar key, YamlMapping mapping)
    {
        var reader = new MappingReader(mapping, _bag);
        var board = ReadBoard(reader);
        var functions = ReadPciFunctions(reader, board);
        var plan = new BootPlan
        {
            Board = board ?? s_noBoard,
            Profile = ReadProfile(reader),
            Masters = ReadNodes(reader, "masters", "master", MastersOf(board, functions), board),
            Iommus = ReadNodes(reader, "iommus", "IOMMU", board?.Nodes.Where(node => node.IommuCells is not null), board),
            PciFunctions = functions,
            BootDma = ReadNodes(reader, "boot-dma", "master", MastersOf(board, functions), board),
            Users = ReadUsers(reader),
            DeferredTimeout = Word(reader, "deferred-timeout", ScenarioWords.DeferredTimeouts, DeferredTimeout.AtRest),
            Drivers = ReadDrivers(reader),
            Clients = ReadClients(reader),
            FirmwareLinks = Word(reader, "firmware-links", ScenarioWords.FirmwareLinks, FirmwareLinks.On),
            Transfers = (int)(reader.Number("transfers", 1_000) ?? 2),
        };
        var result = new ScenarioCase(
            _name,
            key.Text,
            plan,
            ReadExplore(reader),
            ReadExpectations(reader),
            [.. reader.Items("known").Select(item => ReadMatcher(item, isKnown: true)).OfType<FindingMatcher>()],
            Word(reader, "races", ScenarioWords.Races, missing: false))
        {
            Place = $"{_bag.File}:{key.Line}:{key.Column}",
        };
        reader.Finish();
        CheckPlan(key, plan);
        return result;
    }

    /// <summary>What only a machine can tell: names of drivers, their switches, devices that a user acts on.</summary>
    private void CheckPlan(YamlScalar key, BootPlan plan)
    {
        if (_bag.HasErrors)
        {
            return; // What was left out for a mistake would only bring up another.
        }

        try
        {
            BootWorkload.Create(plan);
        }
        catch (BootPlanException bad)
        {
            _bag.Error($"case {key.Text}: {bad.Message}", "mend the plan", key.Line, key.Column);
        }
    }

    private T Word<T>(MappingReader reader, string key, FrozenDictionary<string, T> words, T missing)
    {
        if (reader.Find(key) is not { } value)
        {
            return missing;
        }

        var text = (value as YamlScalar)?.Text ?? "(no text)";
        if (words.TryGetValue(text, out var found))
        {
            return found;
        }

        _bag.Error($"{key} is '{text}'", Remedy(text, words.Keys.Order(StringComparer.Ordinal)), value.Line, value.Column);
        return missing;
    }

    private static string Remedy(string text, IEnumerable<string> known)
    {
        var words = known.ToList();
        var all = words.Count == 0 ? "there is none" : $"known: {string.Join(", ", words)}";
        return Nearest.To(text, words) is { } near ? $"did you mean '{near}'?" : all;
    }
}
