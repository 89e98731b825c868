using System.Collections.Immutable;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Silo.Runs;

/// <summary>An order with all that it names.</summary>
/// <param name="Scenario">The scenario.</param>
/// <param name="Cases">The cases to run; at least one.</param>
internal sealed record ReadOrder(Scenario Scenario, ImmutableArray<ScenarioCase> Cases);

/// <summary>Reads orders against the scenarios that this silo has. An order comes from anybody: it opens no file that it names.</summary>
/// <param name="catalog">The scenarios.</param>
internal sealed class OrderReader(ScenarioCatalog catalog)
{
    /// <summary>Boots of a case at most.</summary>
    public const long MaxBoots = 10_000_000;

    /// <summary>Schedules of a case at most.</summary>
    public const long MaxSchedules = 1_000_000_000;

    private const int MaxTextLength = 512 * 1024;

    /// <summary>Makes the reader of a directory's scenarios.</summary>
    /// <param name="places">Directories from which <c>scenarios/</c> is looked for, upwards.</param>
    /// <returns>The reader.</returns>
    public static OrderReader Locate(params IEnumerable<string> places) =>
        new(new ScenarioCatalog(ScenarioCatalog.Locate(places).Directory) { NamesOnly = true });

    /// <summary>The directory that the scenarios are in, or null when there is none.</summary>
    public string? Directory => catalog.Directory;

    /// <summary>Names of the scenarios that can be ordered.</summary>
    /// <returns>The names in order.</returns>
    public ImmutableArray<string> Names() => [.. catalog.List().Select(pair => pair.Name)];

    /// <summary>Reads an order.</summary>
    /// <param name="order">The order.</param>
    /// <returns>What it names.</returns>
    /// <exception cref="ScenarioException">It is no good.</exception>
    public ReadOrder Read(RunOrder order)
    {
        CheckNumbers(order);
        return order.Replay is { } text ? ReadReplay(order, text) : ReadRun(order);
    }

    /// <summary>Reads the case that a slice is of.</summary>
    /// <param name="slice">The slice.</param>
    /// <returns>The case.</returns>
    /// <exception cref="ScenarioException">The order is no good.</exception>
    public ScenarioCase ReadCase(RunSlice slice) => Read(slice.Order with { Case = slice.Case }).Cases[0];

    private static void CheckNumbers(RunOrder order)
    {
        if (new object?[] { order.Boots, order.Socs, order.Schedules, order.Replay }.Count(each => each is not null) > 1)
        {
            throw Bad("boots, socs, schedules and replay exclude each other", "give one of them");
        }

        CheckRange("boots", order.Boots, MaxBoots);
        CheckRange("socs", order.Socs, MaxBoots);
        CheckRange("schedules", order.Schedules, MaxSchedules);
        if (order is { Replay: not null, Time: not null })
        {
            throw Bad("replay has a time", "leave it away: a replay ends by itself");
        }

        if (order.Text?.Length > MaxTextLength)
        {
            throw Bad($"text has more than {MaxTextLength} characters", "no scenario is that large");
        }
    }

    private static void CheckRange(string what, long? value, long most)
    {
        if (value < 1 || value > most)
        {
            throw Bad($"{what} is {value}", $"give a number from 1 to {most}");
        }
    }

    private ReadOrder ReadReplay(RunOrder order, string text)
    {
        var token = ScenarioToken.Parse(text);
        var scenario = Find(order with { Scenario = order.Scenario ?? token.Scenario });
        var found = scenario.FindCase(order.Case ?? token.Case);
        token.CheckDigest(found);
        return new ReadOrder(scenario, [found]);
    }

    private ReadOrder ReadRun(RunOrder order)
    {
        var scenario = Find(order);
        var cases = order.Case is { } name ? [scenario.FindCase(name)] : scenario.Cases;
        foreach (var each in cases)
        {
            CheckRange($"schedules of case {each.Name}", each.Explore.Schedules, MaxSchedules);
        }

        return new ReadOrder(scenario, [.. cases.Select(each => Apply(order, each))]);
    }

    private Scenario Find(RunOrder order) => order switch
    {
        { Text: { } text } => catalog.Read(text, string.IsNullOrEmpty(order.Scenario) ? "submitted" : order.Scenario),
        { Scenario: { Length: > 0 } name } => catalog.Load(name),
        _ => throw Bad("neither scenario nor text is given", $"name a scenario ({string.Join(", ", Names())}) or send its text"),
    };

    private static ScenarioCase Apply(RunOrder order, ScenarioCase found)
    {
        var explore = found.Explore with { Seed = order.Seed ?? found.Explore.Seed };
        var isAsInFile = order is { Schedules: null, Time: null, Boots: null, Socs: null };
        return found with { Explore = isAsInFile ? explore : explore with { Schedules = order.Schedules, Time = TimeOf(order) } };
    }

    private static TimeSpan? TimeOf(RunOrder order) =>
        order.Time is not { } text ? null
        : Durations.TryParse(text, out var time) ? time
        : throw Bad($"time is '{text}'", Durations.Remedy);

    private static ScenarioException Bad(string reason, string remedy) => new("order", reason, remedy);
}
