using System.Collections.Immutable;
using IommuCluster.Boards;
using IommuCluster.Exploration.Replay;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;

namespace IommuCluster.Scenarios.Format;

/// <summary>
/// What replays a finding: <c>scenario/case/digest/schedule</c>, without blanks. Two schedules that make a lock order
/// together are joined by <c>+</c>; the schedule without deviations is a dot.
/// </summary>
/// <param name="Scenario">Name or path of the scenario.</param>
/// <param name="Case">Name of the case.</param>
/// <param name="Digest">What <see cref="DigestOf"/> answers for the case, so that a token for something else is refused.</param>
/// <param name="Schedules">What to replay, in this order; at least one.</param>
public sealed record ScenarioToken(string Scenario, string Case, string Digest, ImmutableArray<Schedule> Schedules)
{
    private const string DefaultSchedule = ".";

    /// <summary>The token of a case's schedules.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="schedules">What to replay.</param>
    /// <returns>The token.</returns>
    public static ScenarioToken Of(ScenarioCase scenarioCase, ImmutableArray<Schedule> schedules) =>
        new(scenarioCase.Scenario, scenarioCase.Name, DigestOf(scenarioCase), schedules);

    /// <summary>Eight hex digits over all that decides what a schedule does: board, era, drivers, when a schedule ends.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <returns>The digest.</returns>
    public static string DigestOf(ScenarioCase scenarioCase)
    {
        var plan = scenarioCase.Plan;
        var parts = new List<string>
        {
            BoardWriter.ToYaml(plan.Board),
            (plan.Profile with { Summary = string.Empty, Era = string.Empty }).ToString(),
            string.Join(' ', plan.Masters),
            string.Join(' ', plan.Iommus),
            string.Join(' ', plan.BootDma),
            string.Join(" | ", plan.Users.Select(actions => string.Join("; ", actions.Select(action => $"{action.Verb} {action.Device}")))),
            $"{plan.FirmwareLinks} {plan.DeferredTimeout} {plan.Transfers} {scenarioCase.Explore.GoOnAfterOops} {scenarioCase.Explore.MaxSteps}",
        };
        parts.AddRange(plan.PciFunctions.Select(host => $"{host.Key} {string.Join(' ', host.Value)}"));
        parts.AddRange(plan.Drivers.OrderBy(driver => driver.Driver, StringComparer.Ordinal).Prepend(plan.Clients).Select(TextOf));
        return $"{StableHash.Of([.. parts]):x8}";
    }

    /// <summary>Refuses a token that was made for something else than a case as it is now.</summary>
    /// <param name="scenarioCase">The case that the token names.</param>
    /// <exception cref="ScenarioException">It was made for something else.</exception>
    public void CheckDigest(ScenarioCase scenarioCase)
    {
        var digest = DigestOf(scenarioCase);
        if (Digest != digest)
        {
            throw new ScenarioException(
                ToString(),
                $"the token was made for another state of case {Case}: its digest is {Digest}, that of the case as it is now is {digest}",
                "board, profile, drivers or limits were changed since: take the file back to what it was, or run the scenario again");
        }
    }

    /// <summary>Reads a token.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The token.</returns>
    /// <exception cref="ScenarioException">The text is none.</exception>
    public static ScenarioToken Parse(string text)
    {
        var parts = text.Split('/');
        if (parts.Length < 4 || parts[^2].Length != 8 || parts[^3].Length == 0)
        {
            throw Bad(text, "no replay token", "a token is scenario/case/digest/schedule, as printed with each finding, or a file that holds one");
        }

        var schedules = ImmutableArray.CreateBuilder<Schedule>();
        foreach (var part in parts[^1].Split('+'))
        {
            schedules.Add((part == DefaultSchedule ? Schedule.Default : part.Length == 0 ? null : Schedule.Decode(part))
                ?? throw Bad(text, $"'{part}' is no schedule", "copy the token whole: it ends in letters, digits, - and _, or in a dot"));
        }

        return new ScenarioToken(Unescape(string.Join('/', parts[..^3])), parts[^3], parts[^2], schedules.ToImmutable());
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Escape(Scenario)}/{Case}/{Digest}/{string.Join('+', Schedules.Select(TextOf))}";

    private static string TextOf(Schedule schedule) => schedule.Deviations.IsEmpty ? DefaultSchedule : schedule.Encode();

    private static string TextOf(DriverPlan plan) =>
        $"{plan.Driver} {plan.Load} {plan.Probe} {string.Join(' ', plan.Switches.Select(pair => $"{pair.Key}={pair.Value}"))}{string.Concat(plan.Needs.Select(need => $" needs {need}"))}";

    private static string Escape(string name) =>
        name.Replace("%", "%25", StringComparison.Ordinal).Replace(" ", "%20", StringComparison.Ordinal);

    private static string Unescape(string name) =>
        name.Replace("%20", " ", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);

    private static ScenarioException Bad(string text, string reason, string remedy) => new(text.Length > 80 ? $"{text[..77]}..." : text, reason, remedy);
}
