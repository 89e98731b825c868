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

    /// <summary>Tells whether a runtime is there, and says so when it is not.</summary>
    internal static bool IsAvailable(string? name, CliContext context)
    {
        if (name != Cluster)
        {
            return true;
        }

        context.Error.Write("iommucluster: the cluster was left out of this build; --on process runs the same scenarios in one process\n");
        return false;
    }
}
