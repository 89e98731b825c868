using System.Collections.Frozen;
using System.Collections.Immutable;
using IommuCluster.Boards.Yaml;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Format;

/// <content>How a case is explored, and what it is to show.</content>
internal sealed partial class ScenarioReader
{
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

        if (settings.ContextBound is not null && settings.Strategy != StrategyCatalog.States)
        {
            _bag.Error($"explore has a context-bound, and strategy {settings.Strategy}", $"only {StrategyCatalog.States} keeps to a number of preemptions: leave it away, or write `strategy: {StrategyCatalog.States}`", explore.Mapping.Line, explore.Mapping.Column);
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
}
