using System.Collections.Immutable;
using IommuCluster.Boards;
using IommuCluster.Boards.Yaml;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Scenarios.Format;

/// <content>What boots: board, era, drivers and users.</content>
internal sealed partial class ScenarioReader
{
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
}
