using System.CommandLine;
using IommuCluster.Cli.Output;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Commands;

/// <summary><c>run SCENARIO...</c>: every case against its expectation.</summary>
internal static class RunCommand
{
    private const int DefaultBoots = 500;

    internal static Command Create(CliContext context, GlobalOptions options)
    {
        var scenarios = new Argument<string[]>("scenario") { Description = "Names under scenarios/, or files.", Arity = ArgumentArity.OneOrMore };
        var folder = new Option<string?>("--output") { Description = "Directory for a folder a finding." };
        var on = RuntimeOption.Create();
        var endpoint = RuntimeOption.CreateEndpoint();
        var boots = BoundedOption.Number("--boots", $"On a cluster: boots of a case at most; {DefaultBoots} when not given.", 1, 10_000_000);
        var command = new Command("run", "Runs scenarios as they say: every case against its expectation.") { scenarios, folder, on, endpoint, boots }
            .Refuse(line => RuntimeOption.Clash(line, on, endpoint, onlyOnCluster: [boots], onlyInProcess: [folder]));
        command.SetAction((parsed, cancellation) =>
        {
            var output = new CliOutput(context, options, parsed);
            var names = parsed.GetRequiredValue(scenarios);
            return RuntimeOption.IsCluster(parsed.GetValue(on), parsed.GetValue(endpoint))
                ? RunOnCluster(context, output, parsed.GetValue(endpoint), names, (int)(parsed.GetValue(boots) ?? DefaultBoots), cancellation)
                : Task.FromResult(Run(context, output, names, parsed.GetValue(folder), cancellation));
        });
        return command;
    }

    private static Task<int> RunOnCluster(CliContext context, CliOutput output, string? endpoint, string[] names, int boots, CancellationToken cancellation) =>
#if ORLEANS
        endpoint is null ? Cluster.ClusterCommands.RunAsync(context, output, names, boots, cancellation) : Cluster.RemoteCommands.RunAsync(context, output, endpoint, names, boots, cancellation);
#else
        Task.FromResult(RuntimeOption.SayLeftOut(context));
#endif

    private static int Run(CliContext context, CliOutput output, string[] names, string? folder, CancellationToken cancellation)
    {
        var catalog = ScenarioCatalog.Locate(context.Places);
        var scenarios = Array.ConvertAll(names, catalog.Load); // All are read before the first runs: a mistake shows at once.
        var session = new CaseSession(context, output, folder, Environment.ProcessorCount);
        var outcomes = new List<Outcome>();
        foreach (var scenario in scenarios)
        {
            if (!output.IsJson)
            {
                output.Line($"{scenario.Name}: {scenario.Title}");
            }

            var results = new List<CaseResult>();
            foreach (var scenarioCase in scenario.Cases)
            {
                results.Add(session.Run(scenarioCase, judge: true, cancellation));
                if (cancellation.IsCancellationRequested)
                {
                    break;
                }
            }

            outcomes.AddRange(results.Select(result => result.Verdict.Outcome));
            if (output.IsJson)
            {
                output.Text(JsonReport.Run(scenario.Name, results));
            }

            if (cancellation.IsCancellationRequested)
            {
                return ExitCodes.Interrupted;
            }
        }

        return outcomes.Contains(Outcome.NotAsExpected) ? ExitCodes.Finding
            : outcomes.Contains(Outcome.NoVerdict) ? ExitCodes.NoVerdict
            : ExitCodes.Fine;
    }
}
