using System.CommandLine;
using System.Globalization;
using IommuCluster.Cli.Output;
using IommuCluster.Exploration.Runs;
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
        var on = RuntimeOption.Create();
        var endpoint = RuntimeOption.CreateEndpoint();
        var command = new Command("replay", "Replays a finding.") { token, trace, on, endpoint };
        command.SetAction((parsed, cancellation) =>
        {
            var output = new CliOutput(context, options, parsed);
            var tokenOrFile = parsed.GetRequiredValue(token);
            return RuntimeOption.IsCluster(parsed.GetValue(on), parsed.GetValue(endpoint))
                ? ReplayOnCluster(context, output, parsed.GetValue(endpoint), tokenOrFile, cancellation)
                : Task.FromResult(Replay(context, output, tokenOrFile, parsed.GetValue(trace)));
        });
        return command;
    }

    private static Task<int> ReplayOnCluster(CliContext context, CliOutput output, string? endpoint, string tokenOrFile, CancellationToken cancellation) =>
#if ORLEANS
        endpoint is null ? Cluster.ClusterCommands.ReplayAsync(context, output, tokenOrFile, cancellation) : Cluster.RemoteCommands.ReplayAsync(context, output, endpoint, tokenOrFile, cancellation);
#else
        Task.FromResult(RuntimeOption.SayLeftOut(context));
#endif

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
