using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;

namespace IommuCluster.Cli.Output;

/// <summary>Writes a finding's folder: report, JSON, schedule, the command that reproduces it.</summary>
internal static class FindingFolder
{
    /// <summary>Makes the directory.</summary>
    /// <param name="directory">The directory; it may be there.</param>
    /// <exception cref="ScenarioException">It cannot be made.</exception>
    internal static void Prepare(string directory) =>
        OutputOption.Write(directory, "give a directory that can be written", () => Directory.CreateDirectory(directory));

    /// <summary>Writes <c>directory/scenario/case/finding/</c>.</summary>
    /// <param name="directory">Where to.</param>
    /// <param name="scenarioCase">The case that showed it.</param>
    /// <param name="reported">The finding.</param>
    /// <returns>The folder.</returns>
    internal static string Write(string directory, ScenarioCase scenarioCase, ReportedFinding reported)
    {
        var folder = Path.Combine(directory, Path.GetFileNameWithoutExtension(scenarioCase.Scenario), scenarioCase.Name, reported.Observed.Finding.Id);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "report.txt"), TextReport.Finding(reported));
        File.WriteAllText(Path.Combine(folder, "finding.json"), JsonReport.Finding(scenarioCase, reported));
        File.WriteAllText(
            Path.Combine(folder, "finding.schedule"),
            $"# {reported.Observed.Finding.Id}: {scenarioCase.Plan.Board.Name}, {scenarioCase.Plan.Profile.Name}\n# replay with: iommucluster replay finding.schedule\n{reported.Token}\n");
        File.WriteAllText(Path.Combine(folder, "reproduce.sh"), $"#!/bin/sh\nexec iommucluster replay '{reported.Token}' \"$@\"\n");
        return folder;
    }
}
