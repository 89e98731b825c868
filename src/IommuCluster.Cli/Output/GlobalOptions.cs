using System.CommandLine;

namespace IommuCluster.Cli.Output;

/// <summary>Options that every verb knows.</summary>
internal sealed class GlobalOptions
{
    /// <summary>Results as JSON.</summary>
    internal Option<bool> Json { get; } = new("--json") { Description = "Write results as JSON.", Recursive = true };

    /// <summary>Verdicts only.</summary>
    internal Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Write verdicts only, no reports and no progress.", Recursive = true };

    /// <summary>No colours.</summary>
    internal Option<bool> NoColor { get; } = new("--no-color") { Description = "Write without colours; so does a NO_COLOR variable.", Recursive = true };
}
