using IommuCluster.Cli.Output;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using Spectre.Console;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Commands;

/// <summary>Runs cases and tells of them; what <c>run</c> and <c>explore</c> have in common.</summary>
/// <param name="context">The world.</param>
/// <param name="output">Where it is told.</param>
/// <param name="folder">Where findings' folders go; null for none.</param>
/// <param name="cores">Workers at most.</param>
internal sealed class CaseSession(CliContext context, CliOutput output, string? folder, int cores)
{
    private readonly CaseRunner _runner = new(context.Clock, context.Boot, cores);
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly HashSet<Expectation> _met = new(ReferenceEqualityComparer.Instance);

    /// <summary>Runs a case and tells its verdict, findings and, for each that was not told before, its report.</summary>
    /// <returns>What was seen.</returns>
    internal CaseResult Run(ScenarioCase scenarioCase, bool judge, CancellationToken cancellation, CheckpointFile? checkpoint = null)
    {
        var result = output.WithProgress(scenarioCase, progress => _runner.Run(scenarioCase, progress, checkpoint, cancellation));
        if (!output.IsJson)
        {
            Tell(result, judge);
        }

        foreach (var judged in result.Verdict.Findings)
        {
            Report(scenarioCase, judged);
        }

        return result;
    }

    private void Tell(CaseResult result, bool judge)
    {
        if (judge)
        {
            output.Line(TextReport.Verdict(result), result.Verdict.Outcome switch
            {
                Outcome.AsExpected => Color.Green,
                Outcome.NotAsExpected => Color.Red,
                _ => Color.Yellow,
            });
        }
        else
        {
            var count = result.Seen.Consequences.Length;
            output.Line(
                $"{result.Case.Name} ({result.Case.Plan.Profile.Name}): {(count == 0 ? "clean" : $"{count} finding{(count == 1 ? string.Empty : "s")}")}; {TextReport.CoverageOf(result.Seen)}",
                count == 0 ? Color.Green : Color.Red);
        }

        if (!output.IsQuiet)
        {
            output.Text(TextReport.Findings(result, judge));
        }
    }

    private void Report(ScenarioCase scenarioCase, JudgedFinding judged)
    {
        // Races that are only listed get their folder, but no place on the terminal.
        var isTold = !output.IsJson && !output.IsQuiet && judged.Standing != Standing.Listed && _told.Add(judged.Observed.Finding.Id);
        if (!isTold && folder is null)
        {
            return;
        }

        var reported = _runner.Report(scenarioCase, judged.Observed);
        if (isTold)
        {
            output.Text(BriefReason(scenarioCase, judged) is { } reason
                ? $"\n{judged.Observed.Finding.Id} {reason}\n{TextReport.ReplayLine(reported.Token)}\n"
                : $"\n{TextReport.Finding(reported)}\n");
        }

        if (folder is not null)
        {
            FindingFolder.Write(folder, scenarioCase, reported);
        }
    }

    /// <summary>Why a finding is no news, so that how to see it will do; null when it is to be told whole.</summary>
    private string? BriefReason(ScenarioCase scenarioCase, JudgedFinding judged)
    {
        if (judged.Standing == Standing.Known)
        {
            return $"is known ({judged.Source})";
        }

        var expectation = scenarioCase.Expected.FirstOrDefault(each => each.Matcher.Matches(judged.Observed.Finding));
        return expectation is null || _met.Add(expectation) ? null : $"is expected, too ({expectation.Matcher})";
    }
}
