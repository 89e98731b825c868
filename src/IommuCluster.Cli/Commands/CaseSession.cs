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
/// <param name="smallerCases">True to put a smaller scenario into the folder of each consequence.</param>
internal sealed class CaseSession(CliContext context, CliOutput output, string? folder, int cores, bool smallerCases = false)
{
    /// <summary>Schedules for each try to take something away from a case, and for the smaller one.</summary>
    private const int SmallBudget = 256;

    private readonly CaseRunner _runner = new(context.Clock, context.Boot, cores) { Observer = context.Instruments };
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);
    private readonly HashSet<Expectation> _met = new(ReferenceEqualityComparer.Instance);

    /// <summary>Runs a case and tells its verdict, findings and, for each that was not told before, its report.</summary>
    /// <returns>What was seen.</returns>
    internal CaseResult Run(ScenarioCase scenarioCase, bool judge, CancellationToken cancellation, CheckpointFile? checkpoint = null)
    {
        if (folder is not null)
        {
            FindingFolder.Prepare(folder); // Before the work: where nothing can be written, nobody wants to wait for it.
        }

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
        // Races that are only listed, or known, get their folder, but no place on the terminal.
        var isPassedOver = judged.Observed.Finding.IsRace && judged.Standing is (Standing.Listed or Standing.Known);
        var isTold = !output.IsJson && !output.IsQuiet && !isPassedOver && _told.Add(judged.Observed.Finding.Id);
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
            var written = FindingFolder.Write(folder, scenarioCase, reported);
            if (smallerCases && !judged.Observed.Finding.IsRace)
            {
                var smaller = new CaseMinimiser(_runner, SmallBudget).Minimise(scenarioCase, judged.Observed.Finding);
                File.WriteAllText(Path.Combine(written, "smaller.yaml"), ScenarioWriter.ToYaml(smaller, judged.Observed.Finding, SmallBudget));
            }
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
