using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;

namespace IommuCluster.Scenarios.Tests.Support;

/// <summary>The scenarios that ship, run as the command line runs them.</summary>
internal static class Shipped
{
    /// <summary>A case of a shipped scenario.</summary>
    internal static ScenarioCase Case(string scenario, string name, [CallerFilePath] string here = "") =>
        ScenarioCatalog.Locate(Path.GetDirectoryName(here)!).Load(scenario).FindCase(name);

    /// <summary>Reads a scenario over the boards that ship.</summary>
    internal static Scenario Read(string text, [CallerFilePath] string here = "") =>
        ScenarioReader.Read(text, "text.yaml", "text", BoardCatalog.Locate(Path.GetDirectoryName(here)!));

    /// <summary>Runs a case.</summary>
    internal static CaseResult Run(ScenarioCase scenarioCase) => new CaseRunner(TimeProvider.System).Run(scenarioCase);
}
