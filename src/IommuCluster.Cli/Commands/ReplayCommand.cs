using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using IommuCluster.Cli.Output;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Commands;

/// <summary><c>replay TOKEN|FILE</c>: the same outcome, to the last step.</summary>
internal static class ReplayCommand
{
    internal static Command Create(CliContext context, GlobalOptions options)
    {
        var token = new Argument<string>("token") { Description = "A token as printed with a finding, or a file that holds one." };
        var trace = new Option<bool>("--trace") { Description = "Write every step." };
        var from = new Option<int?>("--from") { Description = "Step back: go as recorded up to this step (as --trace counts), and explore again from there." };
        var decide = new Option<bool>("--decide") { Description = "Step back until the outcome was open: tell the step that decided." };
        var schedules = new Option<int>("--schedules", "-n") { Description = "With --from and --decide: schedules for each step that is looked at.", DefaultValueFactory = _ => 1_000 };
        from.Validators.Add(result => AtLeast(result, 0));
        schedules.Validators.Add(result => AtLeast(result, 2));
        var on = RuntimeOption.Create();
        var endpoint = RuntimeOption.CreateEndpoint();
        var command = new Command("replay", "Replays a finding.") { token, trace, from, decide, schedules, on, endpoint }
            .Refuse(line => RuntimeOption.Clash(line, on, endpoint, onlyOnCluster: [], onlyInProcess: [trace, from, decide, schedules]))
            .Refuse(line =>
                line.Has(from) && line.Has(decide) ? "--from and --decide exclude each other: leave one of them away"
                : line.Has(from) || line.Has(decide) ? (line.Has(trace) || line.Has(options.Json) ? "--trace and --json tell of a replay, not of --from or --decide: leave them away" : null)
                : line.Has(schedules) ? "--schedules goes with --from or --decide: a replay is one schedule"
                : null);
        command.SetAction((parsed, cancellation) =>
        {
            var output = new CliOutput(context, options, parsed);
            var tokenOrFile = parsed.GetRequiredValue(token);
            return RuntimeOption.IsCluster(parsed.GetValue(on), parsed.GetValue(endpoint))
                ? ReplayOnCluster(context, output, parsed.GetValue(endpoint), tokenOrFile, cancellation)
                : Task.FromResult(parsed.GetValue(decide) || parsed.GetValue(from) is not null
                    ? StepBack(context, output, tokenOrFile, parsed.GetValue(from), parsed.GetValue(schedules))
                    : Replay(context, output, tokenOrFile, parsed.GetValue(trace)));
        });
        return command;
    }

    private static Task<int> ReplayOnCluster(CliContext context, CliOutput output, string? endpoint, string tokenOrFile, CancellationToken cancellation) =>
#if ORLEANS
        endpoint is null ? Cluster.ClusterCommands.ReplayAsync(context, output, tokenOrFile, cancellation) : Cluster.RemoteCommands.ReplayAsync(context, output, endpoint, tokenOrFile, cancellation);
#else
        Task.FromResult(RuntimeOption.SayLeftOut(context));
#endif

    private static void AtLeast(OptionResult result, int least)
    {
        if (result.Tokens is [var given] && !(int.TryParse(given.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least))
        {
            result.AddError($"{result.Option.Name} is '{given.Value}': give a number from {least} on");
        }
    }

    /// <summary>Explores again from a step, or finds the one that decided when none is given.</summary>
    private static int StepBack(CliContext context, CliOutput output, string tokenOrFile, int? from, int schedules)
    {
        var token = ScenarioToken.Parse(TokenFile.Read(tokenOrFile));
        var scenarioCase = ScenarioCatalog.Locate(context.Places).Load(token.Scenario).FindCase(token.Case);
        var runner = new CaseRunner(context.Clock, context.Boot);
        var replayed = runner.Replay(scenarioCase, token);
        var finding = (replayed.Sightings.FirstOf(seen => !seen.IsRace) ?? replayed.Sightings.FirstOf(_ => true))?.Finding
            ?? throw new ScenarioException(token.ToString(), "its schedule shows nothing", "give the token of a finding");
        var back = runner.StepBack(scenarioCase, token, finding.Id);
        if (from > back.Last)
        {
            throw new ScenarioException($"--from {from}", string.Create(CultureInfo.InvariantCulture, $"{finding.Id} shows at step {back.Last}"), "give an earlier step");
        }

        output.Text(from is { } step ? TextReport.Retrial(back.From(step, schedules), finding.Id) : TextReport.Decision(back.Decide(schedules), finding.Id, replayed.Steps));
        return ExitCodes.Finding;
    }

    private static int Replay(CliContext context, CliOutput output, string tokenOrFile, bool trace)
    {
        var token = ScenarioToken.Parse(TokenFile.Read(tokenOrFile));
        var scenario = ScenarioCatalog.Locate(context.Places).Load(token.Scenario);
        var scenarioCase = scenario.FindCase(token.Case);
        var runner = new CaseRunner(context.Clock, context.Boot);
        var result = runner.Replay(scenarioCase, token);
        var consequences = result.Sightings.Where(seen => !seen.Finding.IsRace).ToList();
        if (output.IsJson)
        {
            output.Text(JsonReport.Replay(scenarioCase, token, result));
        }
        else
        {
            output.Line($"{scenario.Name}/{scenarioCase.Name}: {scenarioCase.Plan.Board.Name}, {scenarioCase.Plan.Profile.Name}");
            if (trace)
            {
                output.Text(TextReport.Trace(result.Steps));
            }

            if (!output.IsQuiet && result.Divergence is null)
            {
                foreach (var sighting in consequences.Count > 0 ? consequences : [.. result.Sightings])
                {
                    var observed = new ObservedFinding(sighting.Finding, sighting, 0, 1, token.Schedules);
                    output.Text("\n" + TextReport.Finding(runner.Report(scenarioCase, observed)));
                }
            }

            var races = result.Sightings.Length - consequences.Count;
            output.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"{ScenarioWords.Kebab(result.End)} after {result.Steps.Length:N0} steps, {consequences.Count} consequences, {races} races, state {result.Fingerprint.High:x16}{result.Fingerprint.Low:x16}"));
        }

        if (result.Divergence is { } divergence)
        {
            output.Remark($"iommucluster: the replay diverged: {divergence}");
            return ExitCodes.Diverged;
        }

        return consequences.Count > 0 ? ExitCodes.Finding : ExitCodes.Fine;
    }
}
