using System.CommandLine;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Commands;

/// <summary><c>serve</c>: a silo with its HTTP API, until SIGTERM or SIGINT.</summary>
internal static class ServeCommand
{
    internal static Command Create(CliContext context)
    {
        var settings = new Option<string?>("--settings") { Description = "Settings file; otherwise appsettings.json of the current directory, or the one beside the program." };
        var overrides = new Option<string[]>("--set") { Description = "A setting of the file to say otherwise: SiloPort=11112.", DefaultValueFactory = _ => [] };
        var command = new Command("serve", "Serves the cluster's HTTP API as one of its silos.") { settings, overrides };
        command.SetAction((parsed, cancellation) => Serve(context, parsed.GetValue(settings), parsed.GetRequiredValue(overrides), cancellation));
        return command;
    }

    private static Task<int> Serve(CliContext context, string? settings, string[] overrides, CancellationToken cancellation) =>
#if ORLEANS
        Cluster.ServeHost.RunAsync(context, settings, overrides, cancellation);
#else
        Task.FromResult(RuntimeOption.SayLeftOut(context));
#endif
}
