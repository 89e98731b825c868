using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Reports;

/// <summary>Reports for programs.</summary>
public static class JsonReport
{
    /// <summary>A run of a scenario.</summary>
    /// <param name="scenario">Name of the scenario.</param>
    /// <param name="results">Its cases.</param>
    /// <returns>JSON, indented, ended by a line feed.</returns>
    public static string Run(string scenario, IEnumerable<CaseResult> results) =>
        JsonSerializer.Serialize(new RunJson(scenario, [.. results.Select(CaseOf)]), ReportJson.Default.RunJson) + "\n";

    /// <summary>One finding whole.</summary>
    /// <param name="scenarioCase">The case that showed it.</param>
    /// <param name="reported">The finding.</param>
    /// <returns>JSON, indented, ended by a line feed.</returns>
    public static string Finding(ScenarioCase scenarioCase, ReportedFinding reported)
    {
        var report = reported.Report;
        var json = new FindingDetailJson(
            scenarioCase.Scenario,
            scenarioCase.Name,
            scenarioCase.Plan.Board.Name,
            scenarioCase.Plan.Profile.Name,
            FindingOf(scenarioCase, reported.Observed, standing: null, source: null),
            reported.Token.ToString(),
            report.ObjectName,
            report.FaultAddress is { } address ? $"0x{address:x}" : null,
            MomentOf(report.Here),
            report.Other is { } other ? MomentOf(other) : null,
            report.Allocation is { } allocation ? MomentOf(allocation) : null,
            [.. report.Threads.Select(thread => new ThreadJson(thread.Name, thread.State, NamesOf(thread.Frames), [.. thread.Held.Select(KernelWords.InKernelWords)]))],
            [.. report.Steps.Where(step => step.Matters).Select(step => new StepJson(step.Number, step.ThreadName, step.Frames.IsEmpty ? string.Empty : KernelFunctions.NameOf(step.Frames[^1]), step.Text))]);
        return JsonSerializer.Serialize(json, ReportJson.Default.FindingDetailJson) + "\n";
    }

    /// <summary>A replay.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="token">What was replayed.</param>
    /// <param name="result">How it went.</param>
    /// <returns>JSON, indented, ended by a line feed.</returns>
    public static string Replay(ScenarioCase scenarioCase, ScenarioToken token, ReplayResult result)
    {
        var json = new ReplayJson(
            token.ToString(),
            scenarioCase.Plan.Board.Name,
            scenarioCase.Plan.Profile.Name,
            ScenarioWords.Kebab(result.End),
            result.Divergence,
            result.Steps.Length,
            $"{result.Fingerprint.High:x16}{result.Fingerprint.Low:x16}",
            [.. result.Sightings.Select(seen => new SightingJson(seen.Finding.Id, ScenarioWords.Kebab(seen.Finding.Kind), KernelFunctions.NameOf(seen.Finding.Function), KernelWords.InKernelWords(seen.Finding.Message), seen.Step))]);
        return JsonSerializer.Serialize(json, ReportJson.Default.ReplayJson) + "\n";
    }

    private static CaseJson CaseOf(CaseResult result) => new(
        result.Case.Name,
        result.Case.Plan.Board.Name,
        result.Case.Plan.Profile.Name,
        ScenarioWords.Kebab(result.Verdict.Outcome),
        result.Verdict.Reasons,
        result.Seen.Strategy,
        ScenarioWords.Kebab(result.Seen.Coverage),
        result.Seen.Schedules,
        result.Seen.Abandoned,
        result.Seen.Steps,
        result.Seen.States,
        result.Seen.ContextBound,
        result.Seen.IsApproximate,
        result.Seen.Progress is { } progress ? Math.Round(progress, 6) : null,
        result.Seen.Figures,
        SwitchesOf(result.Seen.Switches),
        [.. result.Seen.Hints.Select(hint => new HintJson(hint.Field, KernelFunctions.NameOf(hint.First), KernelFunctions.NameOf(hint.Second)))],
        Math.Round(result.Seen.Elapsed.TotalSeconds, 3),
        [.. result.Verdict.Findings.Where(judged => !judged.Observed.Finding.IsRace).Select(judged => FindingOf(result.Case, judged.Observed, judged.Standing, judged.Source))],
        [.. result.Verdict.Findings.Where(judged => judged.Observed.Finding.IsRace).Select(judged => FindingOf(result.Case, judged.Observed, judged.Standing, judged.Source))]);

    private static SwitchesJson? SwitchesOf(ulong asked)
    {
        var (names, left) = SwitchNames.Of(asked);
        return names.IsEmpty ? null : new SwitchesJson(names, left);
    }

    private static FindingJson FindingOf(ScenarioCase scenarioCase, ObservedFinding observed, Standing? standing, string? source) => new(
        observed.Finding.Id,
        ScenarioWords.Kebab(observed.Finding.Kind),
        KernelFunctions.NameOf(observed.Finding.Function),
        observed.Finding.ObjectType,
        observed.Finding.Field,
        KernelFunctions.NameOf(observed.Finding.Other),
        KernelWords.InKernelWords(observed.Finding.Message),
        standing is { } value ? ScenarioWords.Kebab(value) : null,
        source,
        observed.Count,
        observed.FirstSchedule,
        observed.InEverySchedule,
        ScenarioToken.Of(scenarioCase, observed.Schedules).ToString());

    private static MomentJson MomentOf(Moment moment) => new(
        moment.Step,
        moment.ThreadName,
        moment.Text,
        moment.Marking is { } marking ? ScenarioWords.Kebab(marking) : null,
        NamesOf(moment.Frames),
        [.. moment.Held.Select(KernelWords.InKernelWords)]);

    private static ImmutableArray<string> NamesOf(ImmutableArray<string> frames) => [.. frames.Select(KernelFunctions.NameOf)];
}

internal sealed record RunJson(string Scenario, ImmutableArray<CaseJson> Cases);

internal sealed record CaseJson(
    string Case,
    string Board,
    string Profile,
    string Outcome,
    ImmutableArray<string> Reasons,
    string Strategy,
    string Coverage,
    long Schedules,
    long Abandoned,
    long Steps,
    long? States,
    int? ContextBound,
    bool IsApproximate,
    double? Progress,
    CoverageFigures? Met,
    SwitchesJson? Switches,
    ImmutableArray<HintJson> Hints,
    double Seconds,
    ImmutableArray<FindingJson> Consequences,
    ImmutableArray<FindingJson> Races);

internal sealed record SwitchesJson(ImmutableArray<string> Asked, ImmutableArray<string> NotAsked);

internal sealed record HintJson(string Field, string Function, string Other);

internal sealed record FindingJson(
    string Id,
    string Kind,
    string Function,
    string Type,
    string Field,
    string Other,
    string Message,
    string? Standing,
    string? Source,
    long Count,
    long FirstSchedule,
    bool InEverySchedule,
    string Token);

internal sealed record FindingDetailJson(
    string Scenario,
    string Case,
    string Board,
    string Profile,
    FindingJson Finding,
    string MinimisedToken,
    string Object,
    string? FaultAddress,
    MomentJson Here,
    MomentJson? Other,
    MomentJson? Allocation,
    ImmutableArray<ThreadJson> Threads,
    ImmutableArray<StepJson> Steps);

internal sealed record ReplayJson(
    string Token,
    string Board,
    string Profile,
    string End,
    string? Divergence,
    int Steps,
    string State,
    ImmutableArray<SightingJson> Findings);

internal sealed record SightingJson(string Id, string Kind, string Function, string Message, int Step);

internal sealed record MomentJson(int Step, string Thread, string Text, string? Marking, ImmutableArray<string> CallTrace, ImmutableArray<string> Held);

internal sealed record ThreadJson(string Name, string State, ImmutableArray<string> CallTrace, ImmutableArray<string> Held);

internal sealed record StepJson(int Number, string Thread, string Function, string Text);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RunJson))]
[JsonSerializable(typeof(ReplayJson))]
[JsonSerializable(typeof(FindingDetailJson))]
internal sealed partial class ReportJson : JsonSerializerContext;
