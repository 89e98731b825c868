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
        var all = new List<CaseResult>();
        foreach (var scenario in scenarios)
        {
            var results = new List<CaseResult>();
            foreach (var scenarioCase in scenario.Cases)
            {
                var result = await runner.RunAsync(scenarioCase, boots, cancellation);
                results.Add(result);
                Tell(output, scenario, result);
            }

            all.AddRange(results);
            if (output.IsJson)
            {
                output.Text(JsonReport.Run(scenario.Name, results));
            }
        }

        return cancellation.IsCancellationRequested ? ExitCodes.Interrupted : ExitCodeOf(all);
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
        return TellAgreement(
            output,
            boot.Fingerprint == process.Fingerprint && boot.End == process.End,
            ScenarioWords.Kebab(process.End),
            $"{process.Fingerprint.High:x16}{process.Fingerprint.Low:x16}",
            boot.Findings.IsEmpty);
    }

    /// <summary>Tells whether a replay ended in one process as it did on the cluster.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static int TellAgreement(CliOutput output, bool agree, string end, string state, bool isClean)
    {
        if (!agree)
        {
            output.Remark($"iommucluster: the runtimes disagree: in one process the replay ends {end} in state {state}");
            return ExitCodes.Diverged;
        }

        output.Line("the same end and state as in one process");
        return isClean ? ExitCodes.Fine : ExitCodes.Finding;
    }

    /// <summary>What a run's verdicts make of the process.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static int ExitCodeOf(IReadOnlyList<CaseResult> results) =>
        results.Any(result => result.Verdict.Outcome == Outcome.NotAsExpected) ? ExitCodes.Finding
        : results.Any(result => result.Verdict.Outcome == Outcome.NoVerdict) ? ExitCodes.NoVerdict
        : ExitCodes.Fine;

    /// <summary>Tells of a case.</summary>
    internal static void Tell(CliOutput output, Scenario scenario, CaseResult result)
    {
        if (output.IsJson)
        {
            return;
        }

        var rate = result.Seen.Elapsed > TimeSpan.Zero ? string.Create(CultureInfo.InvariantCulture, $"; {result.Seen.Steps / result.Seen.Elapsed.TotalSeconds:N0} steps/s") : string.Empty;
        output.Line($"{scenario.Name}: {TextReport.Verdict(result)}{rate}");
        if (!output.IsQuiet)
        {
            output.Text(TextReport.Findings(result));
        }
    }
}
