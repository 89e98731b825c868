using System.Runtime.CompilerServices;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;

namespace IommuCluster.Scenarios.Tests.Support;

/// <summary>The scenarios that ship, run as the command line runs them.</summary>
internal static class Shipped
{
    /// <summary>A case of a shipped scenario.</summary>
    internal static ScenarioCase Case(string scenario, string name, [CallerFilePath] string here = "") =>
        ScenarioCatalog.Locate(Path.GetDirectoryName(here)!).Load(scenario).FindCase(name);

    /// <summary>Runs a case.</summary>
    internal static CaseResult Run(ScenarioCase scenarioCase) => new CaseRunner(TimeProvider.System).Run(scenarioCase);
}
