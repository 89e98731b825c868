using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Verdicts;

/// <summary>How a case came out.</summary>
public enum Outcome
{
    /// <summary>All that was expected was found, and nothing else that is not known.</summary>
    AsExpected,

    /// <summary>Something expected did not show within the budget, or something unexpected did.</summary>
    NotAsExpected,

    /// <summary>The run was stopped before its budget, and what it saw until then decides nothing.</summary>
    NoVerdict,
}

/// <summary>What a finding is to its case.</summary>
public enum Standing
{
    /// <summary>The case is about it.</summary>
    Expected,

    /// <summary>The era really has it; its source is named.</summary>
    Known,

    /// <summary>A data race that the era is not known for, in a case where races decide nothing.</summary>
    Listed,

    /// <summary>Nobody expected it.</summary>
    Unexpected,
}

/// <summary>A case's verdict.</summary>
/// <param name="Outcome">How it came out.</param>
/// <param name="Reasons">Why it is not as expected, one line each; empty otherwise.</param>
/// <param name="Findings">Every finding with its standing: consequences first, then races.</param>
public sealed record CaseVerdict(Outcome Outcome, ImmutableArray<string> Reasons, ImmutableArray<JudgedFinding> Findings)
{
    /// <summary>Judges a run.</summary>
    /// <param name="scenarioCase">What was expected.</param>
    /// <param name="result">What was seen.</param>
    /// <returns>The verdict.</returns>
    public static CaseVerdict Judge(ScenarioCase scenarioCase, ExplorationResult result)
    {
        ImmutableArray<JudgedFinding> findings = [.. result.All.Select(seen => Judge(scenarioCase, seen))];
        var missing = scenarioCase.Expected.Select(expectation => Missing(expectation, result)).OfType<string>().ToList();
        var surplus = findings.Where(judged => judged.Standing == Standing.Unexpected)
            .Select(judged => $"unexpected: {judged.Observed.Finding.Id} {ScenarioWords.Kebab(judged.Observed.Finding.Kind)} in {Kernel.KernelFunctions.NameOf(judged.Observed.Finding.Function)}").ToList();
        var outcome = surplus.Count > 0 ? Outcome.NotAsExpected
            : result.Coverage == Coverage.StoppedEarly ? Outcome.NoVerdict
            : missing.Count > 0 ? Outcome.NotAsExpected
            : Outcome.AsExpected;
        return new CaseVerdict(outcome, [.. missing, .. surplus], findings);
    }

    private static JudgedFinding Judge(ScenarioCase scenarioCase, ObservedFinding seen)
    {
        if (scenarioCase.Expected.Any(expectation => expectation.Matcher.Matches(seen.Finding)))
        {
            return new JudgedFinding(seen, Standing.Expected, null);
        }

        if (scenarioCase.Known.FirstOrDefault(matcher => matcher.Matches(seen.Finding)) is { } known)
        {
            return new JudgedFinding(seen, Standing.Known, known.Source);
        }

        if (KnownRaces.Find(seen.Finding, scenarioCase.Plan.Profile) is { } race)
        {
            return new JudgedFinding(seen, Standing.Known, race.Source);
        }

        return new JudgedFinding(seen, seen.Finding.IsRace && !scenarioCase.RacesAreRed ? Standing.Listed : Standing.Unexpected, null);
    }

    private static string? Missing(Expectation expectation, ExplorationResult result)
    {
        var seen = result.All.Where(each => expectation.Matcher.Matches(each.Finding)).ToList();
        return seen.Count == 0 ? $"expected, not seen: {expectation.Matcher}"
            : expectation.Always && !seen.Exists(each => each.InEverySchedule || each.IsToldOnce)
                ? $"expected in every schedule: {expectation.Matcher}; seen in {seen.Max(each => each.Count)} of {result.Schedules}"
            : null;
    }
}

/// <summary>A finding and what it is to its case.</summary>
/// <param name="Observed">The finding.</param>
/// <param name="Standing">What it is to its case.</param>
/// <param name="Source">Who says that it is known; null unless it is.</param>
public sealed record JudgedFinding(ObservedFinding Observed, Standing Standing, string? Source);
