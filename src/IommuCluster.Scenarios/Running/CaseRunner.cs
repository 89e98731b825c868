using System.Collections.Immutable;
using CancellationToken = System.Threading.CancellationToken;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Running;

/// <summary>Runs cases.</summary>
/// <param name="clock">Measures budgets in time.</param>
/// <param name="boot">Makes the workload of a plan; null for the standard boot.</param>
/// <param name="cores">How many workers run side by side what can be run in shards, at least 1; what they see does not depend on it.</param>
public sealed class CaseRunner(TimeProvider clock, Func<BootPlan, Workload>? boot = null, int cores = 1)
{
    /// <summary>Schedules that shrinking one finding may cost.</summary>
    private const int MinimiserRuns = 2_000;

    /// <summary>A search of many states takes a while to be written: not after every round.</summary>
    private static readonly TimeSpan s_savingInterval = TimeSpan.FromSeconds(5);

    /// <summary>Hears of every schedule that is explored; null for nobody.</summary>
    public IScheduleObserver? Observer { get; init; }

    /// <summary>Explores a case and judges what was seen.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="progress">Called now and then; null for nobody.</param>
    /// <param name="checkpoint">Where it is noted how far the run is, and from which it goes on; null for nowhere.</param>
    /// <param name="cancellation">Ends the run after the present schedule.</param>
    /// <returns>What was seen and what it means.</returns>
    /// <exception cref="ScenarioException">The plan does not fit its board, or the checkpoint is of something else.</exception>
    public CaseResult Run(ScenarioCase scenarioCase, Action<ExplorationProgress>? progress = null, CheckpointFile? checkpoint = null, CancellationToken cancellation = default)
    {
        using var span = Spans.Scenario(scenarioCase.Scenario, scenarioCase.Name, scenarioCase.Plan.Board.Name, scenarioCase.Plan.Profile.Name);
        var seen = Explore(scenarioCase, progress, checkpoint, cancellation);
        return new CaseResult(scenarioCase, seen, CaseVerdict.Judge(scenarioCase, seen));
    }

    private ExplorationResult Explore(ScenarioCase scenarioCase, Action<ExplorationProgress>? progress, CheckpointFile? checkpoint, CancellationToken cancellation)
    {
        try
        {
            return RunRounds(scenarioCase, progress, checkpoint, cancellation);
        }
        catch (InvalidDataException bad) when (checkpoint is not null)
        {
            throw checkpoint.IsNone(bad.Message);
        }
    }

    private ExplorationResult RunRounds(ScenarioCase scenarioCase, Action<ExplorationProgress>? progress, CheckpointFile? checkpoint, CancellationToken cancellation)
    {
        var settings = scenarioCase.Explore;
        var from = checkpoint?.Read(scenarioCase) ?? Checkpoint.Start;
        var campaign = new Campaign(PlanOf(settings), from.Campaign);
        var workers = new LocalWorkers(() => new ShardRunner(Boot(scenarioCase), OptionsOf(settings) with { Observer = Observer }) { KeepsSearch = true }, cores);
        var before = (campaign.Schedules, from.Elapsed);
        var begin = clock.GetTimestamp();
        var isOfOneMind = StrategyCatalog.IsOfOneMind(settings.Strategy);
        var saved = begin;
        TimeSpan Elapsed() => from.Elapsed + clock.GetElapsedTime(begin);
        while (campaign.End is null)
        {
            var isWhole = workers.RunRound(campaign, () => Elapsed() >= settings.Time, cancellation);
            var isDue = !isOfOneMind || campaign.End is not null || clock.GetElapsedTime(saved) >= s_savingInterval;
            if (checkpoint is not null && isWhole && isDue)
            {
                checkpoint.Write(scenarioCase, new Checkpoint(Elapsed(), isOfOneMind ? campaign.ToState() with { Search = workers.SaveSearch() } : campaign.ToState()));
                saved = clock.GetTimestamp();
            }

            progress?.Invoke(new ExplorationProgress(campaign.Schedules, campaign.Steps, Elapsed(), campaign.Consequences, campaign.Races) { Figures = campaign.Figures, Before = before });
        }

        return campaign.ToResult(Elapsed()) with { IsCancelled = campaign.End == Coverage.StoppedEarly };
    }

    /// <summary>Looks whether a case shows a finding.</summary>
    /// <param name="scenarioCase">The case; its own strategy and budget are not used.</param>
    /// <param name="finding">The finding.</param>
    /// <param name="schedules">Schedules of the portfolio at most.</param>
    /// <returns>True as soon as it showed; false when it did not, or the plan does not fit its board.</returns>
    internal bool Shows(ScenarioCase scenarioCase, Finding finding, int schedules)
    {
        var settings = scenarioCase.Explore;
        LocalWorkers workers;
        try
        {
            workers = new LocalWorkers(() => new ShardRunner(Boot(scenarioCase), OptionsOf(settings)), cores);
        }
        catch (ScenarioException)
        {
            return false;
        }

        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Portfolio, settings.Seed) { Schedules = schedules });
        while (campaign.End is null && !campaign.HasSeen(finding))
        {
            workers.RunRound(campaign, () => false, CancellationToken.None);
        }

        return campaign.HasSeen(finding);
    }

    /// <summary>Shrinks a finding's schedule and collects what is to be told of it.</summary>
    /// <param name="scenarioCase">The case that showed it.</param>
    /// <param name="observed">The finding.</param>
    /// <returns>The report and the token that replays it.</returns>
    public ReportedFinding Report(ScenarioCase scenarioCase, ObservedFinding observed)
    {
        var workload = Boot(scenarioCase);
        var options = OptionsOf(scenarioCase.Explore);
        var (schedules, decisive) = Minimised(workload, options, observed);
        var report = FindingReporter.Create(workload, options, observed.Finding, schedules, NamesOf(workload))
            ?? throw new InvalidOperationException($"{observed.Finding.Id} of case {scenarioCase.Name} does not show again when schedule {observed.FirstSchedule} is replayed: uncontrolled nondeterminism.");
        SocSpans.Write(report.Steps, $"{scenarioCase.Scenario}/{scenarioCase.Name} {observed.Finding.Id}", clock.GetUtcNow());
        return new ReportedFinding(observed, report, ScenarioToken.Of(scenarioCase, report.Schedules), [.. decisive.Select(at => DecisiveSwitch.Of(at, report))]);
    }

    /// <summary>Steps back in a token's schedule.</summary>
    /// <param name="scenarioCase">The case that the token names.</param>
    /// <param name="token">The token; of one schedule.</param>
    /// <param name="findingId">The finding that it shows.</param>
    /// <returns>Steps back in it.</returns>
    /// <exception cref="ScenarioException">There is no step to go back to.</exception>
    public StepBack StepBack(ScenarioCase scenarioCase, ScenarioToken token, string findingId) =>
        (token.Schedules is [var schedule] ? Exploration.Replay.StepBack.Of(Boot(scenarioCase), OptionsOf(scenarioCase.Explore), schedule, findingId) : null)
        ?? throw new ScenarioException(token.ToString(), $"there is no step back from {findingId}: it takes several schedules, or shows before anybody has a choice", "give the token of one schedule that shows a finding");

    /// <summary>Replays a token's schedules.</summary>
    /// <param name="scenarioCase">The case that the token names.</param>
    /// <param name="token">The token.</param>
    /// <returns>How it went.</returns>
    /// <exception cref="ScenarioException">The token was made for something else.</exception>
    public ReplayResult Replay(ScenarioCase scenarioCase, ScenarioToken token)
    {
        token.CheckDigest(scenarioCase);
        var workload = Boot(scenarioCase);
        var result = ReplayResult.Of(workload, OptionsOf(scenarioCase.Explore), token.Schedules, NamesOf(workload));
        SocSpans.Write(result.Steps, $"{token.Scenario}/{token.Case} replay", clock.GetUtcNow());
        return result;
    }

    /// <summary>How a case is explored, as a campaign.</summary>
    /// <param name="settings">The case's settings.</param>
    /// <returns>The plan.</returns>
    public static CampaignPlan PlanOf(ExploreSettings settings) =>
        new(settings.Strategy, settings.Seed) { Schedules = settings.Schedules, Saturation = settings.Saturation, ContextBound = settings.ContextBound };

    /// <summary>How a case's schedules are watched, on any runtime.</summary>
    /// <param name="settings">How the case is explored.</param>
    /// <returns>The options.</returns>
    public static RuntimeOptions OptionsOf(ExploreSettings settings) => new() { GoOnAfterOops = settings.GoOnAfterOops, MaxSteps = settings.MaxSteps };

    private static Func<Home, string> NamesOf(Workload workload) => home =>
        home.Kind == HomeKind.Soc ? string.Empty : workload.Machine?.NameOf(home) ?? home.ToString();

    /// <summary>A lock order made of several schedules stays as it is: each of them is short of a finding of its own.</summary>
    private static (ImmutableArray<Schedule> Schedules, ImmutableArray<ContextSwitch> Decisive) Minimised(Workload workload, RuntimeOptions options, ObservedFinding observed)
    {
        if (observed.AtBoot || observed.Schedules is not [{ Deviations.IsEmpty: false } schedule])
        {
            return (observed.Schedules, []);
        }

        var minimised = Minimiser.Minimise(new DeterministicRuntime(workload, options with { StateHashing = true }), schedule, observed.Finding.Id, MinimiserRuns);
        return ([minimised.Schedule], minimised.Decisive);
    }

    /// <summary>The workload of a case.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <returns>What every runtime boots.</returns>
    /// <exception cref="ScenarioException">The plan does not fit its board.</exception>
    public Workload Boot(ScenarioCase scenarioCase)
    {
        try
        {
            return (boot ?? BootWorkload.Create)(scenarioCase.Plan);
        }
        catch (BootPlanException bad)
        {
            throw new ScenarioException(scenarioCase.Place.Length > 0 ? scenarioCase.Place : scenarioCase.Scenario, $"case {scenarioCase.Name}: {bad.Message.TrimEnd('.')}", "mend the plan");
        }
    }
}

/// <summary>A case that was run.</summary>
/// <param name="Case">The case.</param>
/// <param name="Seen">What was seen.</param>
/// <param name="Verdict">What it means.</param>
public sealed record CaseResult(ScenarioCase Case, ExplorationResult Seen, CaseVerdict Verdict);

/// <summary>A finding ready to be told.</summary>
/// <param name="Observed">How often it was seen.</param>
/// <param name="Report">What there is to tell.</param>
/// <param name="Token">Replays it.</param>
/// <param name="Decisive">The context switches without which it does not show.</param>
public sealed record ReportedFinding(ObservedFinding Observed, FindingReport Report, ScenarioToken Token, ImmutableArray<DecisiveSwitch> Decisive);

/// <summary>A context switch without which a finding does not show.</summary>
/// <param name="Step">Number of the last step before it, from the start of the boot.</param>
/// <param name="From">Name of the thread that took it.</param>
/// <param name="To">Name of the thread that runs then.</param>
public sealed record DecisiveSwitch(int Step, string From, string To)
{
    internal static DecisiveSwitch Of(ContextSwitch at, FindingReport report)
    {
        var last = report.Steps.Where(step => step.ThreadId == at.From).ElementAt(at.Steps - 1);
        return new DecisiveSwitch(last.Number, last.ThreadName, report.Steps.First(step => step.ThreadId == at.To).ThreadName);
    }
}
