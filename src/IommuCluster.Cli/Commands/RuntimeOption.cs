using System.CommandLine;
using System.CommandLine.Parsing;

namespace IommuCluster.Cli.Commands;

/// <summary>Where the simulated threads run.</summary>
internal static class RuntimeOption
{
    private const string Process = "process";
    private const string Cluster = "cluster";

    internal static Option<string> Create()
    {
        var option = new Option<string>("--on") { Description = "Where to run: process (default) or cluster.", DefaultValueFactory = _ => Process };
        option.AcceptOnlyFromAmong(Process, Cluster);
        return option;
    }

    internal static Option<string?> CreateEndpoint() =>
        new("--cluster") { Description = "Run on the cluster whose gateway is at HOST:PORT (several with commas) instead of silos in this process." };

    /// <summary>True when the command is asked for on a cluster.</summary>
    internal static bool IsCluster(string? name, string? endpoint) => name == Cluster || endpoint is not null;

    /// <summary>Tells what on a command line does not go with where it is to run.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="on">What <see cref="Create"/> made.</param>
    /// <param name="endpoint">What <see cref="CreateEndpoint"/> made.</param>
    /// <param name="onlyOnCluster">Options that mean nothing in one process.</param>
    /// <param name="onlyInProcess">Options that mean nothing on a cluster.</param>
    /// <returns>Why the line is refused, or null.</returns>
    internal static string? Clash(CommandResult line, Option<string> on, Option<string?> endpoint, ReadOnlySpan<Option> onlyOnCluster, ReadOnlySpan<Option> onlyInProcess)
    {
        var where = line.GetResult(on) is { Implicit: false, Tokens: [var given] } ? given.Value : null; // As it is written: a word that is refused has no value.
        if (where == Process && line.Has(endpoint))
        {
            return $"--on {Process} and --cluster exclude each other: leave one of them away";
        }

        var isCluster = where == Cluster || line.Has(endpoint);
        foreach (var option in isCluster ? onlyInProcess : onlyOnCluster)
        {
            if (line.Has(option))
            {
                return isCluster ? $"{option.Name} is not there on a cluster: leave it away, or run in one process" : $"{option.Name} is for a cluster: leave it away, or add --on {Cluster}";
            }
        }

        return null;
    }

    /// <summary>Says that the cluster is not there, in a build without Orleans.</summary>
    /// <returns>The exit code.</returns>
    internal static int SayLeftOut(CliContext context)
    {
        context.Error.Write("iommucluster: the cluster was left out of this build: the Orleans packages could not be restored, or the solution was not built yet (dotnet build IommuCluster.sln); --on process runs the same scenarios in one process\n");
        return ExitCodes.BadInput;
    }
}
