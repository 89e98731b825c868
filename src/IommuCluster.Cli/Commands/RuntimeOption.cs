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

    /// <summary>True when the command is asked for on the cluster.</summary>
    internal static bool IsCluster(string? name) => name == Cluster;

    /// <summary>Says that the cluster is not there, in a build without Orleans.</summary>
    /// <returns>The exit code.</returns>
    internal static int SayLeftOut(CliContext context)
    {
        context.Error.Write("iommucluster: the cluster was left out of this build: the Orleans packages could not be restored, or the solution was not built yet (dotnet build IommuCluster.sln); --on process runs the same scenarios in one process\n");
        return ExitCodes.BadInput;
    }
}
