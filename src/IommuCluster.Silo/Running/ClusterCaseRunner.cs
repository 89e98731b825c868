using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Silo.Running;

/// <summary>Runs cases on the cluster, where concurrency and not a strategy decides who runs.</summary>
/// <param name="cluster">Boots SoCs.</param>
/// <param name="cases">Makes their workloads.</param>
/// <param name="clock">Measures the run.</param>
public sealed class ClusterCaseRunner(ClusterRunner cluster, CaseRunner cases, TimeProvider clock)
{
    /// <summary>How such a run is called where a strategy's name is asked for.</summary>
    public const string Strategy = "free concurrency on the cluster";

    private readonly SocBooter _booter = new(cluster, clock);
    private int _boots;

    /// <summary>Begins the names of its boots: unlike that of any other run of the cluster, without slashes.</summary>
    public string Name { get; init; } = "run";

    /// <summary>Hears the number of boots done after each; null for nobody.</summary>
    public Action<long>? Progress { get; init; }

    /// <summary>What other silos make the same workload from, for boots that are scattered; null when this process has all silos.</summary>
    public string? Recipe { get; init; }

    /// <summary>Boots that were lost with a silo and done again.</summary>
    public int Lost => _booter.Lost;

    /// <summary>Boots a case again and again, until all that it expects was seen or the boots are used up.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="boots">Boots at most.</param>
    /// <param name="cancellation">Ends the run; the present boot does not count.</param>
    /// <returns>What was seen and what it means. Without schedules: free concurrency cannot be replayed.</returns>
    /// <exception cref="ScenarioException">The plan does not fit its board.</exception>
    public async Task<CaseResult> RunAsync(ScenarioCase scenarioCase, int boots, CancellationToken cancellation = default)
    {
        using var span = Spans.Scenario(scenarioCase.Scenario, scenarioCase.Name, scenarioCase.Plan.Board.Name, scenarioCase.Plan.Profile.Name);
        var workload = cases.Boot(scenarioCase);
        var started = clock.GetTimestamp();
        var seen = new SeenFindings();
        var switches = 0UL;
        while (seen.Boots < boots
            && !(seen.Boots > 0 && IsSeen(scenarioCase, seen.Findings))
            && await _booter.BootAsync(workload, $"{Name}{_boots++}", OptionsOf(scenarioCase), cancellation) is { } boot)
        {
            seen.Note([.. boot.Findings, .. boot.Races], boot.Steps);
            switches |= boot.Switches;
            Progress?.Invoke(seen.Boots);
        }

        var all = seen.ByRace();
        var result = new ExplorationResult(
            Strategy,
            cancellation.IsCancellationRequested ? Coverage.StoppedEarly : Coverage.BudgetDone,
            seen.Boots,
            Abandoned: 0,
            seen.Steps,
            clock.GetElapsedTime(started),
            [.. all[false]],
            [.. all[true]])
        {
            Switches = switches,
        };
        return new CaseResult(scenarioCase, result, CaseVerdict.Judge(scenarioCase, result));
    }

    /// <summary>Replays a token step by step on the cluster, and in this process, and tells whether they agree.</summary>
    /// <param name="scenarioCase">The case that the token names.</param>
    /// <param name="token">The token.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>Both ends.</returns>
    /// <exception cref="ScenarioException">The token was made for something else.</exception>
    public async Task<(ClusterBoot Cluster, ReplayResult Process)> ReplayAsync(ScenarioCase scenarioCase, ScenarioToken token, CancellationToken cancellation = default)
    {
        var process = cases.Replay(scenarioCase, token);
        var boot = await cluster.ReplayAsync(cases.Boot(scenarioCase), $"{Name}{_boots++}", token.Schedules, OptionsOf(scenarioCase), cancellation);
        return (boot, process);
    }

    /// <summary>Tells whether all that a case expects was seen. One that expects nothing is booted as often as was asked; it has to stay clean that long.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="seen">What was seen.</param>
    /// <returns>True when there is nothing more to wait for.</returns>
    internal static bool IsSeen(ScenarioCase scenarioCase, IEnumerable<Finding> seen) =>
        scenarioCase.Expected.Length > 0
        && scenarioCase.Expected.All(expectation => !expectation.Always && seen.Any(expectation.Matcher.Matches));

    private BootOptions OptionsOf(ScenarioCase scenarioCase) => new()
    {
        Runtime = CaseRunner.OptionsOf(scenarioCase.Explore),
        Scatter = scenarioCase.Explore.Scatter,
        Recipe = scenarioCase.Explore.Scatter ? Recipe : null,
    };
}
