using System.CommandLine;
using IommuCluster.Cli.Output;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
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
            scenario, choices.Case, choices.Profile, choices.Strategy, choices.ContextBound, choices.Schedules, choices.Time, choices.Seed, choices.Folder,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(
            Explore(context, new CliOutput(context, options, parsed), parsed, parsed.GetRequiredValue(scenario), choices, cancellation)));
        return command;
    }

    private static int Explore(CliContext context, CliOutput output, ParseResult parsed, string name, Choices choices, CancellationToken cancellation)
    {
        var scenario = ScenarioCatalog.Locate(context.Places).Load(name);
        var scenarioCase = choices.Apply(scenario, parsed);
        if (!output.IsJson)
        {
            output.Line($"{scenario.Name}: {scenario.Title}");
        }

        var result = new CaseSession(context, output, parsed.GetValue(choices.Folder)).Run(scenarioCase, judge: false, cancellation);
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

        internal Option<int?> ContextBound { get; } = Bounded(new Option<int?>("--context-bound") { Description = "Preemptions that a search allows, 0 to 1000; all when not given." }, 0, 1_000);

        internal Option<long?> Schedules { get; } = Bounded(new Option<long?>("--schedules", "-n") { Description = "The budget in schedules, at least 1." }, 1, long.MaxValue);

        internal Option<TimeSpan?> Time { get; } = new("--time")
        {
            Description = "The budget in time: 500ms, 90s, 5m, 2h. Alone, it replaces the file's budget in schedules.",
            CustomParser = result =>
            {
                if (Durations.TryParse(result.Tokens[0].Value, out var time))
                {
                    return time;
                }

                result.AddError($"--time is '{result.Tokens[0].Value}': {Durations.Remedy}");
                return null;
            },
        };

        internal Option<ulong?> Seed { get; } = new("--seed") { Description = "Seed of random choices." };

        internal Option<string?> Folder { get; } = new("--output") { Description = "Directory for a folder a finding." };

        internal ScenarioCase Apply(Scenario scenario, ParseResult parsed)
        {
            var found = parsed.GetValue(Case) is { } name ? scenario.FindCase(name) : scenario.Cases[0];
            found = parsed.GetValue(Profile) is { } profile ? found.On(profile) : found;
            var (schedules, time) = (parsed.GetValue(Schedules), parsed.GetValue(Time));
            var explore = found.Explore with
            {
                Strategy = parsed.GetValue(Strategy) ?? found.Explore.Strategy,
                ContextBound = parsed.GetValue(ContextBound) ?? found.Explore.ContextBound,
                Seed = parsed.GetValue(Seed) ?? found.Explore.Seed,
            };
            return found with { Explore = schedules is null && time is null ? explore : explore with { Schedules = schedules, Time = time } };
        }

        private static Option<T?> Bounded<T>(Option<T?> option, T least, T most)
            where T : struct, IComparable<T>
        {
            option.Validators.Add(result =>
            {
                if (result.Errors.Any() || result.GetValueOrDefault<T?>() is not { } value)
                {
                    return;
                }

                if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
                {
                    result.AddError($"{option.Name} is {value}: give {least} to {most}");
                }
            });
            return option;
        }
    }
}
