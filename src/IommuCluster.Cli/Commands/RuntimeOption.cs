using System.CommandLine;

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
        new("--cluster") { Description = "Run on the cluster whose gateway is at HOST:PORT (several with commas) instead of a silo in this process." };

    /// <summary>True when the command is asked for on a cluster.</summary>
    internal static bool IsCluster(string? name, string? endpoint) => name == Cluster || endpoint is not null;

    /// <summary>Says that the cluster is not there, in a build without Orleans.</summary>
    /// <returns>The exit code.</returns>
    internal static int SayLeftOut(CliContext context)
    {
        context.Error.Write("iommucluster: the cluster was left out of this build: the Orleans packages could not be restored, or the solution was not built yet (dotnet build IommuCluster.sln); --on process runs the same scenarios in one process\n");
        return ExitCodes.BadInput;
    }
}
