using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Reports;

/// <summary>Reports for people.</summary>
public static class TextReport
{
    /// <summary>The verdict in one line.</summary>
    /// <param name="result">The case.</param>
    /// <returns>The line, without a line feed.</returns>
    public static string Verdict(CaseResult result) =>
        $"{result.Case.Name} ({result.Case.Plan.Profile.Name}): {OutcomeOf(result.Verdict.Outcome)}; {CoverageOf(result.Seen)}";

    /// <summary>What was expected, when it is not what came out, and all findings with ids and counts.</summary>
    /// <param name="result">The case.</param>
    /// <param name="judge">False to leave out what the case expects.</param>
    /// <returns>Lines ended by a line feed; empty when there is nothing to tell.</returns>
    public static string Findings(CaseResult result, bool judge = true)
    {
        var text = new StringBuilder();
        AppendCoverage(text, result);
        foreach (var reason in judge ? result.Verdict.Reasons : [])
        {
            text.Append("  ! ").Append(reason).Append('\n');
        }

        foreach (var judged in result.Verdict.Findings.Where(judged => !judged.Observed.Finding.IsRace))
        {
            text.Append("  ").Append(FindingLine(judged, result.Seen, judge ? StandingOf(judged, result.Case) : null)).Append('\n');
        }

        AppendRaces(text, result);
        AppendHints(text, result.Seen.Hints);
        return text.ToString();
    }

    /// <summary>A finding whole: splat, interleaving and the command that replays it.</summary>
    /// <param name="reported">The finding.</param>
    /// <returns>Lines ended by a line feed.</returns>
    public static string Finding(ReportedFinding reported) =>
        $"{SplatText.Write(reported.Report)}\n{ColumnTable.Write(reported.Report)}\n{DecisiveOf(reported)}{ReplayLine(reported.Token)}\n";

    /// <summary>Every step, one a line.</summary>
    /// <param name="steps">The steps.</param>
    /// <returns>Lines ended by a line feed.</returns>
    public static string Trace(IEnumerable<ReportStep> steps)
    {
        using var text = new StringWriter();
        ColumnTable.WriteTrace(steps, text);
        return text.ToString();
    }

    /// <summary>The command that replays a token.</summary>
    /// <param name="token">The token.</param>
    /// <returns>One line, without a line feed.</returns>
    public static string ReplayLine(ScenarioToken token) => $"replay: iommucluster replay {token}";

    /// <summary>What a run's silence is worth, in words.</summary>
    /// <param name="seen">The run.</param>
    /// <returns>Part of a sentence.</returns>
    public static string CoverageOf(ExplorationResult seen)
    {
        var schedules = string.Create(CultureInfo.InvariantCulture, $"{seen.Schedules:N0} schedule{(seen.Schedules == 1 ? string.Empty : "s")}");
        var states = seen.States is { } count ? string.Create(CultureInfo.InvariantCulture, $", {count:N0} states") : string.Empty;
        var seconds = string.Create(CultureInfo.InvariantCulture, $"{seen.Elapsed.TotalSeconds:F1} s");
        var doubt = seen.IsApproximate ? " but for what hash collisions hid" : string.Empty;
        var part = seen.Progress is { } progress ? $", about {PartOf(progress)} of the search" : string.Empty;
        return seen.Coverage switch
        {
            Coverage.Exhausted when seen.IsOnlySchedule => $"exhausted: nobody ever has a choice, there is one schedule ({seconds})",
            Coverage.Exhausted when seen.Strategy == StrategyCatalog.LazyDpor => $"exhausted{doubt}: every outcome was seen; of critical sections that share nothing one order only, so that data races are a sample ({schedules}{states}, {seconds})",
            Coverage.Exhausted => $"exhausted{doubt}: everything that can happen was seen ({schedules}{states}, {seconds})",
            Coverage.ExhaustedToContextBound => $"exhausted up to {seen.ContextBound} preemptions{doubt} ({schedules}{states}, {seconds})",
            Coverage.BudgetDone when seen.ContextBound is { } bound => $"exhausted up to {bound} preemptions{doubt}, a sample beyond: {schedules} ({seen.Strategy}{states}, {seconds})",
            Coverage.BudgetDone => $"sampled: {schedules} ({seen.Strategy}{states}{part}, {seconds})",
            Coverage.Saturated => string.Create(CultureInfo.InvariantCulture, $"saturated: nothing new since schedule {seen.Figures?.LastNews:N0} of {seen.Schedules:N0} ({seen.Strategy}, {seconds})"),
            Coverage.StoppedEarly => $"stopped before its budget, after {schedules} ({seen.Strategy}{states}{part}, {seconds})",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>An estimate that errs on the low side is not worth many digits.</summary>
    private static string PartOf(double progress) =>
        progress < 0.001 ? "0.1 % or less" : string.Create(CultureInfo.InvariantCulture, $"{progress * 100:F1} %");

    /// <summary>What can come of a schedule from one of its steps on.</summary>
    /// <param name="retrial">What was run from there.</param>
    /// <param name="findingId">The finding that the schedule shows.</param>
    /// <returns>Lines ended by a line feed.</returns>
    public static string Retrial(Retrial retrial, string findingId)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"from step {retrial.Step:N0} on: {findingId} in {OddsOf(retrial)}; {(retrial.IsCertain ? "certain" : "not certain")} ({WorthOf(retrial)})\n");
        foreach (var seen in retrial.Seen)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {seen.Finding.Id}  {ScenarioWords.Kebab(seen.Finding.Kind)} in {KernelFunctions.NameOf(seen.Finding.Function)}\n");
        }

        return text.ToString();
    }

    /// <summary>The step that decided a schedule.</summary>
    /// <param name="decision">The decision.</param>
    /// <param name="findingId">The finding that the schedule shows.</param>
    /// <param name="steps">Every step of the schedule from the start of the boot.</param>
    /// <returns>Lines ended by a line feed.</returns>
    public static string Decision(Decision decision, string findingId, ImmutableArray<ReportStep> steps)
    {
        if (decision.Before is not { } before)
        {
            return $"{findingId} was certain before anybody had a choice ({WorthOf(decision.After)})\n";
        }

        var step = steps[before.Step];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"step {step.Number:N0} decided: {step.ThreadName}: {step.Text}\n  before it {findingId} in {OddsOf(before)}; from then on certain ({WorthOf(decision.After)})\n");
    }

    private static string OddsOf(Retrial retrial) => string.Create(CultureInfo.InvariantCulture, $"{retrial.Showing:N0} of {retrial.Sampled:N0} random schedules");

    private static string WorthOf(Retrial retrial) => retrial.IsExhausted ? "exhausted" : "sampled";

    private static string DecisiveOf(ReportedFinding reported) => reported.Decisive.IsEmpty ? string.Empty
        : $"decided by {string.Join(", ", reported.Decisive.Select(at => string.Create(CultureInfo.InvariantCulture, $"the switch from {at.From} to {at.To} after step {at.Step}")))}\n";

    /// <summary>How far a run is, in one line: done, rate, findings, coverage, time left.</summary>
    /// <param name="at">How far it is.</param>
    /// <param name="explore">Its budgets.</param>
    /// <returns>The line, without a line feed.</returns>
    public static string Progress(ExplorationProgress at, ExploreSettings explore)
    {
        var of = explore.Schedules is { } all ? string.Create(CultureInfo.InvariantCulture, $" of {all:N0}") : string.Empty;
        var covered = at.Figures is { } figures ? $", {FiguresOf(figures)}" : string.Empty;
        var left = at.Left(explore.Schedules, explore.Time) is { } time ? $", {Duration(time)} left" : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{at.Schedules:N0}{of} schedules ({at.Rate:N0}/s), {at.Steps / 1e6:F1} M steps, {at.Consequences} consequences, {at.Races} races{covered}, {Duration(at.Elapsed)}{left}");
    }

    /// <summary>How much of what can happen was met, in words.</summary>
    /// <param name="figures">The coverage.</param>
    /// <returns>Part of a sentence.</returns>
    public static string FiguresOf(CoverageFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"{figures.InBothOrders} of {figures.RacingPairs} racing pairs in both orders, {figures.LockOrderPairs} lock-order pairs, nothing new since schedule {figures.LastNews:N0}");

    private static string Duration(TimeSpan time) =>
        time.TotalSeconds < 90 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F0} s")
        : time.TotalMinutes < 90 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:F0} min")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:F1} h");

    private static void AppendCoverage(StringBuilder text, CaseResult result)
    {
        if (result.Seen.Figures is { } figures)
        {
            text.Append("  met: ").Append(FiguresOf(figures)).Append('\n');
        }

        var (asked, left) = SwitchNames.Of(result.Seen.Switches);
        if (!asked.IsEmpty)
        {
            text.Append(CultureInfo.InvariantCulture, $"  switches of {result.Case.Plan.Profile.Name}: {asked.Length} of {asked.Length + left.Length} asked for");
            text.Append(left.IsEmpty ? string.Empty : $"; no part in this: {string.Join(", ", left)}").Append('\n');
        }
    }

    private static void AppendRaces(StringBuilder text, CaseResult result)
    {
        var races = result.Verdict.Findings.Where(judged => judged.Observed.Finding.IsRace).ToList();
        if (races.Count == 0)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"  data races ({races.Count}):\n");
        foreach (var alike in races.GroupBy(judged => StandingOf(judged, result.Case)))
        {
            text.Append("    ").Append(alike.Key).Append(":\n");
            foreach (var judged in alike)
            {
                text.Append("      ").Append(FindingLine(judged, result.Seen, standing: null)).Append('\n');
            }
        }
    }

    private static void AppendHints(StringBuilder text, ImmutableArray<RaceOrder> hints)
    {
        if (hints.IsEmpty)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"  hints ({hints.Length}): pairs that share no lock, but that no schedule met as a race\n");
        foreach (var hint in hints)
        {
            text.Append(CultureInfo.InvariantCulture, $"    {hint.Field}: {HintOf(hint.FirstKind, hint.First)} / {HintOf(hint.SecondKind, hint.Second)}\n");
        }
    }

    private static string FindingLine(JudgedFinding judged, ExplorationResult seen, string? standing)
    {
        var finding = judged.Observed.Finding;
        var other = finding.Other.Length > 0 ? $" / {KernelFunctions.NameOf(finding.Other)}" : string.Empty;
        var at = (finding.ObjectType, finding.Field) switch
        {
            ("", "") => string.Empty,
            var (type, error) when finding.Kind == FindingKind.UnexpectedErrno => $", {error} ({type})",
            ("", var field) => $", {field}",
            (var type, "") => $", {type}",
            var (type, field) => $", {type}->{field}",
        };
        return $"{finding.Id}  {ScenarioWords.Kebab(finding.Kind)} in {KernelFunctions.NameOf(finding.Function)}{other}{at}{(standing is null ? string.Empty : $"  [{standing}]")}  {CountOf(judged.Observed, seen)}";
    }

    private static string HintOf(StepKind kind, string function) => $"{ScenarioWords.Kebab(kind)} in {KernelFunctions.NameOf(function)}";

    private static string StandingOf(JudgedFinding judged, ScenarioCase scenarioCase) => judged.Standing switch
    {
        Standing.Expected => "expected",
        Standing.Known => $"known: {judged.Source}",
        Standing.Listed => $"not known of {scenarioCase.Plan.Profile.Name}",
        Standing.Unexpected => "UNEXPECTED",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string CountOf(ObservedFinding observed, ExplorationResult seen) =>
        observed.AtBoot ? "in every schedule: before anybody has a choice"
        : observed.IsToldOnce ? string.Create(CultureInfo.InvariantCulture, $"told once, in schedule {observed.FirstSchedule:N0}")
        : observed.InEverySchedule ? string.Create(CultureInfo.InvariantCulture, $"in every schedule ({observed.Count:N0} of {seen.Schedules:N0})")
        : string.Create(CultureInfo.InvariantCulture, $"in {observed.Count:N0} of {seen.Schedules:N0} schedules, first in {observed.FirstSchedule:N0}");

    private static string OutcomeOf(Outcome outcome) => outcome switch
    {
        Outcome.AsExpected => "as expected",
        Outcome.NotAsExpected => "NOT AS EXPECTED",
        Outcome.NoVerdict => "no verdict",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
