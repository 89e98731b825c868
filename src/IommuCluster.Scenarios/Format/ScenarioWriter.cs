using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using IommuCluster.Kernel;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Format;

/// <summary>Writes a case as a scenario of its own.</summary>
public static class ScenarioWriter
{
    /// <summary>Writes a case that must show one finding; what else its scenario expects or knows, it knows.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="finding">What it must show.</param>
    /// <param name="schedules">Its budget.</param>
    /// <returns>YAML, as <see cref="ScenarioReader"/> reads it.</returns>
    public static string ToYaml(ScenarioCase scenarioCase, Finding finding, int schedules)
    {
        var plan = scenarioCase.Plan;
        var text = new StringBuilder();
        void Line(string line) => text.Append(line).Append('\n');
        Line($"title: {Quoted($"{finding.Id}, made smaller from {scenarioCase.Scenario}/{scenarioCase.Name}")}");
        Line($"board: {Quoted(plan.Board.Name)}");
        Line($"masters: {List(plan.Masters)}");
        Line($"iommus: {List(plan.Iommus)}");
        Line($"users: {List([.. plan.Users.Select(actions => string.Join("; ", actions.Select(action => $"{ScenarioWords.Kebab(action.Verb)} {action.Device}")))])}");
        Line($"boot-dma: {List(plan.BootDma)}");
        Line($"deferred-timeout: {ScenarioWords.Kebab(plan.DeferredTimeout)}");
        Line($"firmware-links: {ScenarioWords.Kebab(plan.FirmwareLinks)}");
        Line(string.Create(CultureInfo.InvariantCulture, $"transfers: {plan.Transfers}"));
        if (!plan.PciFunctions.IsEmpty)
        {
            Line($"pci-functions: {{ {string.Join(", ", plan.PciFunctions.Select(host => $"{Quoted(host.Key)}: [{string.Join(", ", host.Value.Select(id => $"0x{id:x}"))}]"))} }}");
        }

        if (!plan.Drivers.IsEmpty)
        {
            Line("drivers:");
            foreach (var driver in plan.Drivers)
            {
                Line($"  {Quoted(driver.Driver)}: {{ {WayOf(driver)}, needs: {List(driver.Needs)}, switches: {{ {string.Join(", ", driver.Switches.Select(pair => $"{Quoted(pair.Key)}: {Quoted(pair.Value)}"))} }} }}");
            }
        }

        Line($"clients: {{ {WayOf(plan.Clients)} }}");
        Line(string.Create(CultureInfo.InvariantCulture, $"explore: {{ strategy: portfolio, schedules: {schedules}, seed: {scenarioCase.Explore.Seed} }}"));
        Line("cases:");
        Line("  smaller:");
        Line($"    profile: {plan.Profile.Name}");
        Line($"    expect: [ {{ {TextOf(MatcherOf(finding))} }} ]");
        ImmutableArray<FindingMatcher> known = [.. scenarioCase.Expected.Select(each => each.Matcher with { Source = scenarioCase.Scenario }), .. scenarioCase.Known];
        if (!known.IsEmpty)
        {
            Line("    known:");
            foreach (var matcher in known)
            {
                Line($"      - {{ {TextOf(matcher)}, source: {Quoted(matcher.Source!)} }}");
            }
        }

        return text.ToString();
    }

    private static FindingMatcher MatcherOf(Finding finding) => new(
        finding.Kind,
        KernelFunctions.NameOf(finding.Function),
        NullIfEmpty(finding.ObjectType),
        NullIfEmpty(finding.Field),
        NullIfEmpty(finding.Other) is { } other ? KernelFunctions.NameOf(other) : null,
        Source: null);

    private static string TextOf(FindingMatcher matcher)
    {
        var parts = new List<string> { $"finding: {ScenarioWords.Kebab(matcher.Kind)}" };
        foreach (var (key, value) in new[] { ("function", matcher.Function), ("type", matcher.Type), ("field", matcher.Field), ("other", matcher.Other) })
        {
            if (value is not null)
            {
                parts.Add($"{key}: {Quoted(value)}");
            }
        }

        return string.Join(", ", parts);
    }

    private static string WayOf(DriverPlan plan) =>
        $"load: {ScenarioWords.Kebab(plan.Load)}, probe: {(plan.Probe == ProbeMode.Synchronous ? "sync" : "async")}";

    private static string List(ImmutableArray<string> names) => $"[{string.Join(", ", names.Select(Quoted))}]";

    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
