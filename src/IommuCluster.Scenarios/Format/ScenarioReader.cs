using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using IommuCluster.Boards;
using IommuCluster.Boards.Yaml;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Format;

/// <summary>Reads scenarios; the form is told in <c>scenarios/README.md</c>.</summary>
internal sealed class ScenarioReader
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

    private static readonly Board s_noBoard = new("none", "", [], Architecture.Arm64, "", [], []);

    private Board? ReadBoard(MappingReader reader)
    {
        if (reader.Find("board") is not { } value)
        {
            _bag.Error("board is missing", "write `board: rk3288-firefly`, or the path of a .yaml or .dtb file", reader.Mapping.Line, reader.Mapping.Column);
            return null;
        }

        if (value is not YamlScalar { Text.Length: > 0 } name)
        {
            _bag.Error("board is no text", "write `board: rk3288-firefly`, or the path of a .yaml or .dtb file", value.Line, value.Column);
            return null;
        }

        if (!_loaded.TryGetValue(name.Text, out var board))
        {
            _loaded.Add(name.Text, board = Load(name));
        }

        return board;
    }

    private Board? Load(YamlScalar name)
    {
        try
        {
            return _boards.Load(PathOf(name.Text));
        }
        catch (BoardFormatException bad)
        {
            foreach (var each in bad.Diagnostics)
            {
                var where = each.Line is { } line ? $" (line {line})" : string.Empty;
                _bag.Error($"board '{name.Text}': {each.Reason}{where}", each.Remedy, name.Line, name.Column);
            }
        }
        catch (Exception bad) when (bad is IOException or UnauthorizedAccessException)
        {
            _bag.Error($"board '{name.Text}': {bad.Message.TrimEnd('.')}", "give a file that can be read", name.Line, name.Column);
        }

        return null;
    }

    /// <summary>A board's path is meant beside the scenario's file, unless it is there as it stands.</summary>
    private string PathOf(string name)
    {
        var beside = Path.Combine(Path.GetDirectoryName(_bag.File) ?? string.Empty, name);
        return name.Contains('/', StringComparison.Ordinal) && !File.Exists(name) && File.Exists(beside) ? beside : name;
    }

    private Profile ReadProfile(MappingReader reader)
    {
        var known = ProfileCatalog.All.Select(profile => profile.Name);
        if (reader.Find("profile") is not { } value)
        {
            _bag.Error("profile is missing", $"write `profile: linux-6.6`; known: {string.Join(", ", known)}", reader.Mapping.Line, reader.Mapping.Column);
            return ProfileCatalog.All[0];
        }

        if (value is YamlScalar name && ProfileCatalog.Find(name.Text) is { } found)
        {
            return found;
        }

        var text = (value as YamlScalar)?.Text ?? "(no text)";
        _bag.Error($"profile '{text}' is unknown", Remedy(text, known), value.Line, value.Column);
        return ProfileCatalog.All[0];
    }

    /// <summary>What a scenario may call a master: what has specifiers or a map, and the functions that a scan is going to find.</summary>
    private static IEnumerable<FirmwareNode>? MastersOf(Board? board, ImmutableSortedDictionary<string, ImmutableArray<uint>> functions) =>
        board is null ? null : board.Nodes.Where(node => !node.Iommus.IsEmpty || !node.IommuMap.IsEmpty)
            .Concat(PciFunctions.HostsOf(board).SelectMany((host, domain) => PciFunctions.Behind(host, domain, functions.TryGetValue(host.Name, out var ids) ? ids : null)));

    private ImmutableSortedDictionary<string, ImmutableArray<uint>> ReadPciFunctions(MappingReader reader, Board? board)
    {
        var functions = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<uint>>(StringComparer.Ordinal);
        if (reader.Child("pci-functions") is not { } hosts)
        {
            return functions.ToImmutable();
        }

        var known = board is null ? null : PciFunctions.HostsOf(board).Select(host => host.Name).ToList();
        foreach (var (key, _) in hosts.Mapping.Entries)
        {
            if (known?.Contains(key.Text) == false)
            {
                _bag.Error($"board {board!.Name} has no enabled PCI host with an iommu-map called '{key.Text}'", Remedy(key.Text, known), key.Line, key.Column);
            }

            functions[key.Text] = [.. hosts.Lines(key.Text).SelectMany(line => line.Words().Select(word => (uint)(reader.Number(line, word, ushort.MaxValue) ?? 0))).Distinct()];
        }

        return functions.ToImmutable();
    }

    private ImmutableArray<string> ReadNodes(MappingReader reader, string key, string what, IEnumerable<FirmwareNode>? nodes, Board? board)
    {
        var names = nodes?.Select(node => node.Name).ToList();
        var found = ImmutableArray.CreateBuilder<string>();
        foreach (var line in reader.Lines(key))
        {
            if (names?.Contains(line.Text) == false)
            {
                _bag.Error($"board {board!.Name} has no {what} '{line.Text}'", Remedy(line.Text, names), line.Line, line.Column);
            }

            found.Add(line.Text);
        }

        return found.ToImmutable();
    }

    private ImmutableArray<ImmutableArray<UserAction>> ReadUsers(MappingReader reader)
    {
        const string Remedy = "write `users: [unbind 1d84000.ufshc; bind 1d84000.ufshc]`, one text a user";
        var users = ImmutableArray.CreateBuilder<ImmutableArray<UserAction>>();
        foreach (var line in reader.Lines("users"))
        {
            var actions = ImmutableArray.CreateBuilder<UserAction>();
            foreach (var action in line.Text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (action.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var word, var device] && ScenarioWords.UserVerbs.TryGetValue(word, out var verb))
                {
                    actions.Add(new UserAction(verb, device));
                }
                else
                {
                    _bag.Error($"'{action}' is nothing that a user does", $"{Remedy}; a user can {string.Join(", ", ScenarioWords.UserVerbs.Keys.Order(StringComparer.Ordinal))}", line.Line, line.Column);
                }
            }

            users.Add(actions.ToImmutable());
        }

        return users.ToImmutable();
    }

    private ImmutableArray<DriverPlan> ReadDrivers(MappingReader reader)
    {
        var plans = ImmutableArray.CreateBuilder<DriverPlan>();
        if (reader.Child("drivers") is not { } drivers)
        {
            return [];
        }

        foreach (var (key, value) in drivers.Mapping.Entries)
        {
            if (value is YamlMapping mapping)
            {
                plans.Add(ReadDriver(key.Text, new MappingReader(mapping, _bag)));
            }
            else
            {
                _bag.Error($"driver {key.Text} needs `key: value` pairs", "write `{ load: module, probe: async }`", value.Line, value.Column);
            }
        }

        return plans.ToImmutable();
    }

    private DriverPlan ReadClients(MappingReader reader) =>
        reader.Child("clients") is { } clients
            ? ReadDriver("clients", clients)
            : new DriverPlan("clients", DriverLoad.BuiltIn, ProbeMode.Synchronous, ImmutableSortedDictionary<string, string>.Empty);

    private DriverPlan ReadDriver(string name, MappingReader reader)
    {
        var switches = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in reader.Child("switches")?.Mapping.Entries ?? [])
        {
            if (value is YamlScalar scalar)
            {
                switches[key.Text] = scalar.Text;
            }
            else
            {
                _bag.Error($"switch {key.Text} is no text", $"write `{key.Text}: before`", value.Line, value.Column);
            }
        }

        var plan = new DriverPlan(
            name,
            Word(reader, "load", ScenarioWords.Loads, DriverLoad.BuiltIn),
            Word(reader, "probe", ScenarioWords.Probes, ProbeMode.Synchronous),
            switches.ToImmutable())
        {
            Needs = [.. reader.Words("needs")],
        };
        reader.Finish();
        return plan;
    }

    private ExploreSettings ReadExplore(MappingReader reader)
    {
        var settings = new ExploreSettings();
        if (reader.Child("explore") is not { } explore)
        {
            return settings;
        }

        settings = settings with
        {
            Strategy = Word(explore, "strategy", StrategyCatalog.Names.ToFrozenDictionary(name => name, name => name, StringComparer.Ordinal), settings.Strategy),
            Schedules = Optional(explore, "schedules", long.MaxValue, settings.Schedules, least: 1),
            Time = ReadTime(explore),
            Seed = explore.Number("seed", ulong.MaxValue) ?? settings.Seed,
            ContextBound = (int?)Optional(explore, "context-bound", 1_000, null, least: 0),
            GoOnAfterOops = Word(explore, "after-oops", ScenarioWords.AfterOops, missing: false),
            Scatter = Word(explore, "placement", ScenarioWords.Placement, missing: false),
            MaxSteps = (int)(Optional(explore, "max-steps", 100_000_000, settings.MaxSteps, least: 1) ?? settings.MaxSteps),
        };
        if (settings is { Schedules: null, Time: null } && !StrategyCatalog.Ends(settings.Strategy))
        {
            _bag.Error($"explore has no budget, and strategy {settings.Strategy} never ends", "write `schedules: 10000` or `time: 60s`", explore.Mapping.Line, explore.Mapping.Column);
        }

        explore.Finish();
        return settings;
    }

    private long? Optional(MappingReader reader, string key, long maximum, long? missing, long least)
    {
        if (reader.Find(key) is not { } value)
        {
            return missing;
        }

        if (value is not YamlScalar scalar)
        {
            _bag.Error($"{key} is no number", $"write `{key}: {least}` or more, or null", value.Line, value.Column);
            return missing;
        }

        if (scalar.Text is "null" or "~" or "")
        {
            return null;
        }

        var number = (long?)reader.Number(scalar, scalar.Text, (ulong)maximum);
        if (number < least)
        {
            _bag.Error($"{key} is {number}", $"write at least {least}", scalar.Line, scalar.Column);
        }

        return number ?? missing;
    }

    private TimeSpan? ReadTime(MappingReader reader)
    {
        if (reader.Find("time") is not { } value || value is YamlScalar { Text: "null" or "~" or "" })
        {
            return null;
        }

        if (value is YamlScalar scalar && Durations.TryParse(scalar.Text, out var time))
        {
            return time;
        }

        _bag.Error($"time is '{(value as YamlScalar)?.Text}'", Durations.Remedy, value.Line, value.Column);
        return null;
    }

    private ImmutableArray<Expectation> ReadExpectations(MappingReader reader)
    {
        switch (reader.Find("expect"))
        {
            case null:
                _bag.Error("expect is missing", "write `expect: clean`, or a list of `- { finding: use-after-free, function: NAME }`", reader.Mapping.Line, reader.Mapping.Column);
                return [];
            case YamlScalar { Text: "clean" }:
                return [];
            case YamlSequence { Items.Count: > 0 }:
                return [.. reader.Items("expect").Select(ReadExpectation).OfType<Expectation>()];
            case var value:
                _bag.Error("expect is neither clean nor a list", "write `expect: clean`, or a list of `- { finding: use-after-free, function: NAME }`", value.Line, value.Column);
                return [];
        }
    }

    private Expectation? ReadExpectation(MappingReader reader)
    {
        var always = Word(reader, "when", ScenarioWords.Whens, missing: false);
        return ReadMatcher(reader, isKnown: false) is { } matcher ? new Expectation(matcher, always) : null;
    }

    private FindingMatcher? ReadMatcher(MappingReader reader, bool isKnown)
    {
        FindingMatcher? matcher = null;
        if (reader.Find("finding") is { } value)
        {
            var text = (value as YamlScalar)?.Text ?? string.Empty;
            if (ScenarioWords.Kinds.TryGetValue(text, out var kind))
            {
                matcher = new FindingMatcher(kind, reader.Text("function"), reader.Text("type"), reader.Text("field"), reader.Text("other"), isKnown ? reader.Text("source") : null);
            }
            else
            {
                _bag.Error($"finding '{text}' is no kind of finding", Remedy(text, ScenarioWords.Kinds.Keys.Order(StringComparer.Ordinal)), value.Line, value.Column);
                return null;
            }
        }
        else
        {
            _bag.Error("finding is missing", "write `finding: use-after-free`", reader.Mapping.Line, reader.Mapping.Column);
        }

        if (isKnown && matcher is { Source: null })
        {
            _bag.Error("source is missing", "write `source: R17`: who says that the era has this", reader.Mapping.Line, reader.Mapping.Column);
        }

        reader.Finish();
        return matcher;
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

/// <summary>Lengths of time as people write them.</summary>
internal static class Durations
{
    internal const string Remedy = "write a number with ms, s, m or h: 90s";

    /// <summary>Reads a length of time.</summary>
    /// <param name="text"><c>500ms</c>, <c>90s</c>, <c>5m</c> or <c>2h</c>.</param>
    /// <param name="time">The length; above 0, at most 1000 hours.</param>
    /// <returns>True when it is one.</returns>
    internal static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        var (number, ms) = text switch
        {
            _ when text.EndsWith("ms", StringComparison.Ordinal) => (text[..^2], 1.0),
            _ when text.EndsWith('s') => (text[..^1], 1_000.0),
            _ when text.EndsWith('m') => (text[..^1], 60_000.0),
            _ when text.EndsWith('h') => (text[..^1], 3_600_000.0),
            _ => (string.Empty, 0),
        };
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) || value * ms is not (> 0 and <= 3_600_000_000.0))
        {
            return false;
        }

        time = TimeSpan.FromMilliseconds(value * ms);
        return true;
    }
}
