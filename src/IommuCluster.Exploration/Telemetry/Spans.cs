using System.Diagnostics;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>Spans of both runtimes: scenario &gt; SoC &gt; thread &gt; kernel function; none a step.</summary>
public static class Spans
{
    /// <summary>Name of the source.</summary>
    public const string SourceName = "IommuCluster";

    /// <summary>The source.</summary>
    public static ActivitySource Source { get; } = new(SourceName);

    /// <summary>Begins the span of a case that is run.</summary>
    /// <param name="scenario">Name of the scenario.</param>
    /// <param name="name">Name of the case.</param>
    /// <param name="board">Its board.</param>
    /// <param name="profile">Its kernel era.</param>
    /// <returns>The span, ended when disposed; null when nobody listens.</returns>
    public static Activity? Scenario(string scenario, string name, string board, string profile) =>
        Source.StartActivity($"scenario {scenario}/{name}")
            ?.SetTag("iommucluster.scenario", scenario).SetTag("iommucluster.case", name).SetTag("iommucluster.board", board).SetTag("iommucluster.profile", profile);
}
