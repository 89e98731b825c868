using System.Globalization;
using IommuCluster.Cli.Output;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Running;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Cluster;

/// <summary><c>--on cluster</c>: the same verbs on a silo in this process. Compiled only where Orleans can be restored.</summary>
internal static class ClusterCommands
{
    /// <summary>Runs scenarios: every case by free-running concurrency against its expectation.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> RunAsync(CliContext context, CliOutput output, string[] names, int boots, CancellationToken cancellation)
    {
        var catalog = ScenarioCatalog.Locate(context.Places);
        var scenarios = Array.ConvertAll(names, catalog.Load);
        await using var silo = await LocalSilo.StartAsync(cancellation: cancellation);
        var runner = new ClusterCaseRunner(silo.Runner, new CaseRunner(context.Clock, context.Boot), context.Clock);
        var outcomes = new List<Outcome>();
        foreach (var scenario in scenarios)
        {
            var results = new List<CaseResult>();
            foreach (var scenarioCase in scenario.Cases)
            {
                var result = await runner.RunAsync(scenarioCase, boots, cancellation);
                results.Add(result);
                outcomes.Add(result.Verdict.Outcome);
                Tell(output, scenario, result);
            }

            if (output.IsJson)
            {
                output.Text(JsonReport.Run(scenario.Name, results));
            }
        }

        return outcomes.Contains(Outcome.NotAsExpected) ? ExitCodes.Finding
            : outcomes.Contains(Outcome.NoVerdict) ? ExitCodes.NoVerdict
            : ExitCodes.Fine;
    }

    /// <summary>Replays a token on the cluster and holds the end against that of the deterministic runtime.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> ReplayAsync(CliContext context, CliOutput output, string tokenOrFile, CancellationToken cancellation)
    {
        var token = ScenarioToken.Parse(TokenFile.Read(tokenOrFile));
        var scenarioCase = ScenarioCatalog.Locate(context.Places).Load(token.Scenario).FindCase(token.Case);
        await using var silo = await LocalSilo.StartAsync(cancellation: cancellation);
        var runner = new ClusterCaseRunner(silo.Runner, new CaseRunner(context.Clock, context.Boot), context.Clock);
        var (boot, process) = await runner.ReplayAsync(scenarioCase, token, cancellation);
        foreach (var finding in boot.Findings)
        {
            output.Line($"  {finding.Id}  {finding.Message}");
        }

        output.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{ScenarioWords.Kebab(boot.End)} on the cluster after {boot.Steps:N0} steps, {boot.Findings.Length} consequences, state {boot.Fingerprint.High:x16}{boot.Fingerprint.Low:x16}"));
        if (boot.Fingerprint != process.Fingerprint || boot.End != process.End)
        {
            output.Remark($"iommucluster: the runtimes disagree: in one process the replay ends {ScenarioWords.Kebab(process.End)} in state {process.Fingerprint.High:x16}{process.Fingerprint.Low:x16}");
            return ExitCodes.Diverged;
        }

        output.Line("the same end and state as in one process");
        return boot.Findings.IsEmpty ? ExitCodes.Fine : ExitCodes.Finding;
    }

    private static void Tell(CliOutput output, Scenario scenario, CaseResult result)
    {
        if (output.IsJson)
        {
            return;
        }

        output.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario.Name}: {TextReport.Verdict(result)}; {result.Seen.Steps / Math.Max(result.Seen.Elapsed.TotalSeconds, 1e-3):N0} steps/s"));
        if (!output.IsQuiet)
        {
            output.Text(TextReport.Findings(result));
        }
    }
}
