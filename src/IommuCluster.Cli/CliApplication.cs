using System.CommandLine;
using CancellationToken = System.Threading.CancellationToken;
using IommuCluster.Boards;
using IommuCluster.Cli.Commands;
using IommuCluster.Cli.Output;
using IommuCluster.Scenarios.Format;
using IommuCluster.Telemetry;

namespace IommuCluster.Cli;

/// <summary>The command line. The one place where errors become messages and exit codes.</summary>
internal static class CliApplication
{
    private const string NoJson = "--json is for run, explore, replay and stress: this has no JSON form, so leave it away";

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="context">The world.</param>
    /// <param name="cancellation">Ends a run in order.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> RunAsync(IReadOnlyList<string> args, CliContext context, CancellationToken cancellation = default)
    {
        var options = new GlobalOptions();
        var parsed = Root(context, options).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                await context.Error.WriteLineAsync($"iommucluster: {error.Message}");
            }

            await context.Error.WriteLineAsync("iommucluster: --help tells what there is");
            return ExitCodes.BadInput;
        }

        try
        {
            using var telemetry = TelemetryExport.Start(parsed.GetValue(options.Telemetry), Environment.GetEnvironmentVariable, isOutputTaken: parsed.GetValue(options.Json));
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = context.Out, Error = context.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null },
                cancellation);
        }
        catch (ScenarioException bad)
        {
            return BadInput(context, bad.Diagnostics);
        }
        catch (BoardFormatException bad)
        {
            return BadInput(context, bad.Diagnostics);
        }
        catch (Exception bad) when (bad is IOException or InvalidDataException or UnauthorizedAccessException or TelemetryException)
        {
            context.Error.WriteLine($"iommucluster: {bad.Message}");
            return ExitCodes.BadInput;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
#pragma warning disable CA1031 // The rim: whatever is left is our own fault, and says so.
        catch (Exception ours)
#pragma warning restore CA1031
        {
            context.Error.WriteLine($"iommucluster: a fault of our own, please report it: {ours}");
            return ExitCodes.OurFault;
        }
    }

    private static RootCommand Root(CliContext context, GlobalOptions options) =>
        new RootCommand("Simulates the concurrency of the Linux IOMMU core on real boards and reports what breaks.")
        {
            options.Json,
            options.Quiet,
            options.NoColor,
            options.Telemetry,
            RunCommand.Create(context, options),
            ExploreCommand.Create(context, options),
            ReplayCommand.Create(context, options),
            StressCommand.Create(context, options),
            ServeCommand.Create(context).Refuse(options.Json, NoJson),
            BoardsCommand.Create(context, options).Refuse(options.Json, NoJson),
            ProfilesCommand.Create(context, options).Refuse(options.Json, NoJson),
        };

    private static int BadInput(CliContext context, IEnumerable<BoardDiagnostic> diagnostics)
    {
        foreach (var diagnostic in diagnostics)
        {
            context.Error.WriteLine(diagnostic);
        }

        return ExitCodes.BadInput;
    }
}
