using System.CommandLine;
using IommuCluster.Cli.Output;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Commands;

/// <summary><c>explore SCENARIO</c>: one case with a budget, era and strategy of one's own.</summary>
internal static class ExploreCommand
{
    internal static Command Create(CliContext context, GlobalOptions options)
    {
        var scenario = new Argument<string>("scenario") { Description = "A name under scenarios/, or a file." };
        var choices = new Choices();
        var command = new Command("explore", "Searches one case of a scenario for violations.")
        {
            scenario, choices.Case, choices.Profile, choices.Strategy, choices.ContextBound, choices.Schedules, choices.Time, choices.Saturation, choices.Seed, choices.Cores, choices.Checkpoint, choices.Folder, choices.Smaller,
        }.Refuse(line => line.Has(choices.Smaller) && !line.Has(choices.Folder) ? "--smaller puts a scenario into the folder of each finding: give --output as well" : null);
        command.SetAction((parsed, cancellation) => Task.FromResult(
            Explore(context, new CliOutput(context, options, parsed), parsed, parsed.GetRequiredValue(scenario), choices, cancellation)));
        return command;
    }

    private static int Explore(CliContext context, CliOutput output, ParseResult parsed, string name, Choices choices, CancellationToken cancellation)
    {
        var scenario = ScenarioCatalog.Locate(context.Places).Load(name);
        var scenarioCase = choices.Apply(scenario, parsed);
        if (scenarioCase.Explore is { Saturation: not null, Strategy: var search } && StrategyCatalog.Ends(search))
        {
            throw new ScenarioException($"--saturation with strategy {search}", "a search ends when nothing is left", "leave it away, or sample");
        }

        if (parsed.GetValue(choices.ContextBound) is not null && scenarioCase.Explore.Strategy != StrategyCatalog.States)
        {
            throw new ScenarioException($"--context-bound with strategy {scenarioCase.Explore.Strategy}", $"only {StrategyCatalog.States} keeps to a number of preemptions", $"leave it away, or add --strategy {StrategyCatalog.States}");
        }

        if (!output.IsJson)
        {
            output.Line($"{scenario.Name}: {scenario.Title}");
        }

        var cores = (int)(parsed.GetValue(choices.Cores) ?? Environment.ProcessorCount);
        var checkpoint = parsed.GetValue(choices.Checkpoint) is { } file ? new CheckpointFile(file) : null;
        var result = new CaseSession(context, output, parsed.GetValue(choices.Folder), cores, parsed.GetValue(choices.Smaller)).Run(scenarioCase, judge: false, cancellation, checkpoint);
        if (output.IsJson)
        {
            output.Text(JsonReport.Run(scenario.Name, [result]));
        }

        return result.Seen.IsCancelled ? ExitCodes.Interrupted
            : !result.Seen.Consequences.IsEmpty ? ExitCodes.Finding
            : result.Seen.Coverage == Coverage.StoppedEarly ? ExitCodes.NoVerdict
            : ExitCodes.Fine;
    }

    /// <summary>What the command line may say instead of the file.</summary>
    private sealed class Choices
    {
        internal Choices() => Strategy.AcceptOnlyFromAmong([.. StrategyCatalog.Names]);

        internal Option<string?> Case { get; } = new("--case") { Description = "The case; the first one when not given." };

        internal Option<string?> Profile { get; } = new("--profile") { Description = "Another kernel era than the case's." };

        internal Option<string?> Strategy { get; } = new("--strategy") { Description = $"{string.Join(" or ", StrategyCatalog.Names)}." };

        internal Option<long?> ContextBound { get; } = BoundedOption.Number("--context-bound", "Preemptions that strategy states allows; all when not given.", 0, 1_000);

        internal Option<long?> Schedules { get; } = BoundedOption.Number("--schedules", "The budget in schedules. Without a budget, a search ends when it is exhausted.", 1, long.MaxValue, "-n");

        internal Option<TimeSpan?> Time { get; } = BoundedOption.Time("--time", "The budget in time: 500ms, 90s, 5m, 2h. Alone, it replaces the file's budget in schedules.");

        internal Option<long?> Saturation { get; } = BoundedOption.Number("--saturation", "Ends a sampler after so many schedules that showed nothing new. Alone, it replaces the file's budget.", 1, long.MaxValue);

        internal Option<string?> Checkpoint { get; } = new("--checkpoint") { Description = "File in which it is noted how far the run is; where it is there already, the run goes on from it." };

        internal Option<long?> Seed { get; } = BoundedOption.Number("--seed", "Seed of random choices.", 0, long.MaxValue);

        internal Option<long?> Cores { get; } = BoundedOption.Number("--cores", "Workers of a sampler or of dpor; all cores when not given. What is found does not depend on it.", 1, 1_024);

        internal Option<string?> Folder { get; } = new("--output") { Description = "Directory for a folder a finding." };

        internal Option<bool> Smaller { get; } = new("--smaller") { Description = "With --output: looks for a smaller scenario that still shows each consequence, and puts it into its folder." };

        internal ScenarioCase Apply(Scenario scenario, ParseResult parsed)
        {
            var found = parsed.GetValue(Case) is { } name ? scenario.FindCase(name) : scenario.Cases[0];
            found = parsed.GetValue(Profile) is { } profile ? found.On(profile) : found;
            var (schedules, time, saturation) = (parsed.GetValue(Schedules), parsed.GetValue(Time), parsed.GetValue(Saturation));
            var explore = found.Explore with
            {
                Strategy = parsed.GetValue(Strategy) ?? found.Explore.Strategy,
                ContextBound = (int?)parsed.GetValue(ContextBound) ?? found.Explore.ContextBound,
                Seed = (ulong?)parsed.GetValue(Seed) ?? found.Explore.Seed,
            };
            var isOwnSearch = parsed.GetValue(Strategy) is { } named && StrategyCatalog.Ends(named); // The file's budget is meant for the file's strategy.
            return found with { Explore = schedules is null && time is null && saturation is null && !isOwnSearch ? explore : explore with { Schedules = schedules, Time = time, Saturation = saturation } };
        }
    }
}
