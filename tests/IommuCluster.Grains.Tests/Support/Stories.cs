using System.Runtime.CompilerServices;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;

namespace IommuCluster.Grains.Tests.Support;

/// <summary>The shipped scenarios, as workloads.</summary>
internal static class Stories
{
    /// <summary>A case by <c>scenario/case</c>.</summary>
    internal static ScenarioCase Case(string story)
    {
        var at = story.IndexOf('/', StringComparison.Ordinal);
        return new ScenarioCatalog(Folder()).Load(story[..at]).FindCase(story[(at + 1)..]);
    }

    /// <summary>Makes a case's workload anew.</summary>
    internal static Workload Boot(ScenarioCase story) => new CaseRunner(TimeProvider.System).Boot(story);

    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "scenarios"));
}
