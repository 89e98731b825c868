using System.Globalization;
using IommuCluster.Cli.Output;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Runs;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Cluster;

/// <summary><c>--cluster ENDPOINT</c>: the same verbs on a cluster that runs elsewhere.</summary>
internal static class RemoteCommands
{
    /// <summary>Runs scenarios by free-running concurrency.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> RunAsync(CliContext context, CliOutput output, string cluster, string[] names, int boots, CancellationToken cancellation)
    {
        var catalog = ScenarioCatalog.Locate(context.Places);
        var scenarios = Array.ConvertAll(names, catalog.Load);
        await using var client = await RunClient.ConnectAsync(cluster, new SettingsSources(File: null, []), cancellation);
        var results = new List<CaseResult>();
        foreach (var scenario in scenarios)
        {
            var times = new CaseTimes(context.Clock, scenario.Cases.Length);
            var status = await WatchAsync(client, output, new RunOrder { Scenario = scenario.Name, Text = TextOf(scenario), Boots = boots }, times.Note, cancellation);
            var own = scenario.Cases.Select((scenarioCase, number) => ResultOf(scenarioCase, status.Cases[number], times.ElapsedOf(number))).ToList();
            own.ForEach(result => ClusterCommands.Tell(output, scenario, result));
            results.AddRange(own);
            if (output.IsJson)
            {
                output.Text(JsonReport.Run(scenario.Name, own));
            }
        }

        return ClusterCommands.ExitCodeOf(results);
    }

    /// <summary>Replays a token on the cluster and holds the end against that of the deterministic runtime.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> ReplayAsync(CliContext context, CliOutput output, string cluster, string tokenOrFile, CancellationToken cancellation)
    {
        var token = ScenarioToken.Parse(TokenFile.Read(tokenOrFile));
        var scenario = ScenarioCatalog.Locate(context.Places).Load(token.Scenario);
        await using var client = await RunClient.ConnectAsync(cluster, new SettingsSources(File: null, []), cancellation);
        var status = await WatchAsync(client, output, new RunOrder { Scenario = scenario.Name, Text = TextOf(scenario), Replay = token.ToString() }, _ => { }, cancellation);
        var (onCluster, inProcess) = (status.Replay!.Cluster, status.Replay.Process); // A replay that is over has both.
        foreach (var finding in status.Cases[0].Findings)
        {
            output.Line($"  {finding.Id}  {finding.Message}");
        }

        output.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{onCluster.End} on the cluster after {status.Cases[0].Steps:N0} steps, {status.Cases[0].Findings.Length} consequences, state {onCluster.State}"));
        return ClusterCommands.TellAgreement(output, onCluster == inProcess, inProcess.End, inProcess.State, status.Cases[0].Findings.IsEmpty);
    }

    /// <summary>Has a run done. Interrupted here, it is stopped there.</summary>
    private static async Task<RunStatus> WatchAsync(RunClient client, CliOutput output, RunOrder order, Action<RunStatus> changed, CancellationToken cancellation)
    {
        var id = await client.SubmitAsync(order);
        try
        {
            RunStatus? last = null;
            await foreach (var status in client.WatchAsync(id, cancellation))
            {
                last = status;
                changed(status);
            }

            return last switch
            {
                null => throw new InvalidOperationException($"The cluster has forgotten {id}."),
                { Error: { } error } => throw new InvalidOperationException($"{id} failed on the cluster: {error}"),
                _ => last,
            };
        }
        catch (OperationCanceledException)
        {
            await client.StopAsync(id);
            output.Remark($"iommucluster: {id} was asked to stop");
            throw;
        }
    }

    /// <summary>The text that a cluster reads the scenario from.</summary>
    internal static string TextOf(Scenario scenario) => File.ReadAllText(scenario.File);

    /// <summary>What a cluster saw of a case, judged by the case as it is here.</summary>
    internal static CaseResult ResultOf(ScenarioCase scenarioCase, CaseStatus status, TimeSpan elapsed)
    {
        var seen = status.Findings.Select(Observed).ToLookup(each => each.Finding.IsRace);
        var coverage = Enum.GetValues<Coverage>().Single(value => ScenarioWords.Kebab(value) == status.Coverage);
        var result = new ExplorationResult(status.Strategy, coverage, status.Done, status.Abandoned, status.Steps, elapsed, [.. seen[false]], [.. seen[true]]);
        return new CaseResult(scenarioCase, result, CaseVerdict.Judge(scenarioCase, result));
    }

    private static ObservedFinding Observed(RunFinding seen)
    {
        var finding = new Finding(ScenarioWords.Kinds[seen.Kind], seen.Function, seen.ObjectType, seen.Field, seen.Other, seen.Message);
        return new ObservedFinding(finding, new Sighting(finding, Step: -1, Thread: -1, OtherStep: -1), seen.First, seen.Count, []) { InEverySchedule = seen.InEvery };
    }
}
