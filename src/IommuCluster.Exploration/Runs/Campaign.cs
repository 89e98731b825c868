using System.Collections.Immutable;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runs;

/// <summary>What a campaign is to do. Without a budget it goes on for ever.</summary>
/// <param name="Strategy">Name of a sampler, of the portfolio of them, or of a search.</param>
/// <param name="Seed">Seed of the run.</param>
public sealed record CampaignPlan(string Strategy, ulong Seed)
{
    /// <summary>The budget in schedules, at least 1; null for none.</summary>
    public long? Schedules { get; init; }

    /// <summary>The campaign ends after so many schedules that showed nothing new, at least 1; null for never.</summary>
    public long? Saturation { get; init; }

    /// <summary>Preemptions that a search over states allows, or null for all.</summary>
    public int? ContextBound { get; init; }

    /// <summary>A search of one mind that takes more bytes than this is not handed on after each round any more: its last shard does what is left.</summary>
    public long MostHandedOn { get; init; } = long.MaxValue;
}

/// <summary>A campaign between two rounds, as data: with the plan it is all that there is to know.</summary>
/// <param name="Round">Number of the round to run next.</param>
/// <param name="Seen">What was seen so far.</param>
/// <param name="Gains">What each member of the portfolio gained lately.</param>
public sealed record CampaignState(int Round, LedgerState Seen, ImmutableArray<double> Gains)
{
    /// <summary>What is left of a search, as it wrote it; empty for samplers, and at the start.</summary>
    public ReadOnlyMemory<byte> Search { get; init; }

    /// <summary>How far a search of one mind is; null for others, and at the start.</summary>
    public SearchReach? Reach { get; init; }

    /// <summary>Nothing was run yet.</summary>
    public static CampaignState Start { get; } = new(0, new LedgerState(), []);
}

/// <summary>
/// A long run of samplers, or a search, as a sequence of rounds; a round is a fixed list of shards. Whoever drives it runs the shards
/// wherever and in whichever order, and adds their results as they come; they are merged in the order of the shards, each as soon as those
/// before it are there. So what comes out depends on the plan and the workload alone, not on the number of workers. Knows no threads, no clock.
/// The rounds of a search of one mind have one shard each, which goes on with what the one before it has written.
/// </summary>
public sealed class Campaign
{
    private const int FirstRound = 64;
    private const int ShardsOfRound = 32;

    /// <summary>Steps that a round of a search aims at, which is handed on after it.</summary>
    private const long StepsOfSearch = 2_000_000;

    /// <summary>
    /// Steps that a round of samplers aims at: so many shards that the cores that wait for its last ones do not count, and yet
    /// short enough to lose one to a kill.
    /// </summary>
    private const long StepsOfRound = 4 * StepsOfSearch;

    /// <summary>Steps of a shard at most; shorter rounds have shorter ones.</summary>
    private const long StepsOfShard = StepsOfSearch / ShardsOfRound;

    private readonly CampaignPlan _plan;
    private readonly Portfolio _portfolio;
    private readonly Ledger _ledger;
    private readonly DporForest? _forest;
    private readonly List<ShardResult?> _results = []; // Those that wait for one before them.
    private readonly int[] _news;
    private readonly int[] _tried;
    private ReadOnlyMemory<byte> _search;
    private SearchReach? _reach;
    private CampaignState? _whole;
    private int _round;
    private int _merged;

    /// <summary>Begins a campaign, or goes on with one.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="from">Where it stood; null for the start.</param>
    /// <exception cref="InvalidDataException">The search in it is damaged.</exception>
    public Campaign(CampaignPlan plan, CampaignState? from = null)
    {
        from ??= CampaignState.Start;
        _plan = plan;
        _portfolio = new Portfolio(StrategyCatalog.SamplersOf(plan.Strategy), from.Gains);
        (_news, _tried) = (new int[_portfolio.Members.Length], new int[_portfolio.Members.Length]);
        _ledger = new Ledger(from.Seen);
        _round = from.Round;
        _reach = from.Reach;
        if (IsOfOneMind)
        {
            _search = from.Search;
        }
        else if (StrategyCatalog.Ends(plan.Strategy))
        {
            _forest = from.Search.IsEmpty ? new DporForest() : new DporForest(from.Search.Span);
        }

        BeginRound();
    }

    /// <summary>The shards of the present round; none when the campaign has ended.</summary>
    public ImmutableArray<Shard> Round { get; private set; } = [];

    /// <summary>Why it has ended; null while it goes on.</summary>
    public Coverage? End { get; private set; }

    /// <summary>Schedules merged so far.</summary>
    public long Schedules => _ledger.Schedules;

    /// <summary>Steps merged so far.</summary>
    public long Steps => _ledger.Steps;

    /// <summary>Different consequences so far.</summary>
    public int Consequences => _ledger.Consequences;

    /// <summary>Different data races so far.</summary>
    public int Races => _ledger.Races;

    /// <summary>The coverage so far; null for a search, whose coverage is what it exhausts.</summary>
    public CoverageFigures? Figures => IsSearch ? null : _ledger.Figures();

    /// <summary>True when a search of one mind has become too large to be handed on: when the worker of the present shard is lost, all that was run since its beginning is run again.</summary>
    public bool StaysWithItsWorker => _search.Length > _plan.MostHandedOn;

    /// <summary>Tells whether a finding was seen.</summary>
    /// <param name="finding">The finding.</param>
    /// <returns>True when one with its id is among what was merged.</returns>
    public bool HasSeen(Finding finding) => _ledger.HasSeen(finding);

    /// <summary>Adds the result of a shard of the present round, in any order. A result that is there already, or of another round, is passed over.</summary>
    /// <param name="result">The result of the whole shard.</param>
    /// <returns>True when it was the last one: the round was merged, and the next one begins or the campaign has ended.</returns>
    public bool Add(ShardResult result)
    {
        if (End is not null || result.Round != _round || result.Index < _merged || _results[result.Index] is not null)
        {
            return false;
        }

        _results[result.Index] = result;
        if (!IsSearch || !_results.Contains(null)) // What is left of a search is known as of whole rounds only.
        {
            MergeThoseInOrder();
        }

        if (_merged < Round.Length)
        {
            return false;
        }

        Learn();
        _round++;
        BeginRound();
        return true;
    }

    /// <summary>Ends the campaign within a round.</summary>
    /// <param name="why">Why: its time is up, or it was stopped.</param>
    /// <param name="unfinished">Results of shards that were ended early.</param>
    public void Stop(Coverage why, IEnumerable<ShardResult> unfinished)
    {
        if (End is not null)
        {
            return;
        }

        foreach (var result in unfinished.Where(result => result.Round == _round && result.Index >= _merged))
        {
            _results[result.Index] ??= result;
        }

        for (; _merged < _results.Count; _merged++)
        {
            MergeThoseInOrder();
        }

        Learn();
        Finish(why);
    }

    /// <summary>The campaign as data. Of a round that is not whole nothing is in it.</summary>
    /// <returns>What goes on from the last whole round.</returns>
    public CampaignState ToState() => _whole ?? StateNow();

    /// <summary>What was seen so far.</summary>
    /// <param name="elapsed">Time taken, as whoever drives the campaign measured it.</param>
    /// <returns>The result; stopped early while the campaign goes on.</returns>
    public ExplorationResult ToResult(TimeSpan elapsed)
    {
        var observed = _ledger.Observed();
        return new ExplorationResult(
            _plan.Strategy,
            End ?? Coverage.StoppedEarly,
            _ledger.Schedules,
            _ledger.Abandoned,
            _ledger.Steps,
            elapsed,
            [.. observed.Where(seen => !seen.Finding.IsRace)],
            [.. observed.Where(seen => seen.Finding.IsRace)])
        {
            IsOnlySchedule = IsOnlySchedule,
            Figures = Figures,
            States = _reach?.States,
            ContextBound = _reach?.ContextBound,
            IsApproximate = _reach?.IsApproximate ?? false,
            Progress = _forest is { Count: 0 } ? 1 : _reach?.Progress,
            Switches = _ledger.Switches,
            Hints = _ledger.Hints,
        };
    }

    private CampaignState StateNow() => new(_round, _ledger.ToState(), _portfolio.Gains) { Search = _forest?.Save() ?? _search, Reach = _reach };

    private void BeginRound()
    {
        _whole = IsSearch ? null : StateNow();
        _results.Clear();
        _merged = 0;
        var left = _plan.Schedules - _ledger.Schedules;
        if (IsOnlySchedule || _forest is { Count: 0 } || _reach is { IsExhausted: true })
        {
            Finish(_reach is { ContextBound: not null } ? Coverage.ExhaustedToContextBound : Coverage.Exhausted);
        }
        else if (left <= 0)
        {
            Finish(Coverage.BudgetDone);
        }
        else if (_ledger.Schedules - _ledger.LastNews >= _plan.Saturation)
        {
            Finish(Coverage.Saturated);
        }
        else
        {
            Round = Plan((int)Math.Min(left ?? long.MaxValue, LengthOfRound()));
            _results.AddRange(Enumerable.Repeat<ShardResult?>(null, Round.Length));
        }
    }

    private bool IsSearch => StrategyCatalog.Ends(_plan.Strategy);

    private bool IsOfOneMind => StrategyCatalog.IsOfOneMind(_plan.Strategy);

    private bool IsOnlySchedule => _ledger is { Schedules: > 0, MostChoices: 0 };

    /// <summary>Merges the results before which none is missing.</summary>
    private void MergeThoseInOrder()
    {
        for (; _merged < _results.Count && _results[_merged] is { } result; _merged++)
        {
            _results[_merged] = null;
            Merge(result, Round[_merged]);
        }
    }

    private void Merge(ShardResult result, Shard shard)
    {
        if (IsOnlySchedule)
        {
            return; // All shards ran the same one.
        }

        var merged = _ledger.Merge(_forest is null ? result : result.Renumbered(_ledger.Schedules - shard.First));
        _forest?.Take(result.Index, result.Search.Span);
        if (IsOfOneMind)
        {
            (_search, _reach) = (result.Search, result.Reach);
        }

        _ledger.NoteTried(shard.Flips);
        if (_portfolio.Members.IndexOf(shard.Strategy) is >= 0 and var member)
        {
            _news[member] += merged;
            _tried[member] += result.Schedules;
        }
    }

    /// <summary>Learns from a round for the next one.</summary>
    private void Learn()
    {
        _forest?.EndRound(ShardsOfRound);
        _portfolio.Learn(_news, _tried);
        Array.Clear(_news);
        Array.Clear(_tried);
    }

    private void Finish(Coverage why)
    {
        End = why;
        Round = [];
    }

    /// <summary>
    /// Rounds grow by half with what was run, up to so many steps: the first ones steer the portfolio soon and let a flip follow on another,
    /// later ones keep all workers busy.
    /// </summary>
    private long LengthOfRound() =>
        StaysWithItsWorker ? int.MaxValue
        : _ledger.Steps == 0 ? FirstRound
        : Math.Max(FirstRound, Math.Min(_ledger.Schedules / 2, SchedulesOf(IsSearch ? StepsOfSearch : StepsOfRound)));

    /// <summary>How many schedules take so many steps, by those of the rounds before.</summary>
    private long SchedulesOf(long steps) => steps * _ledger.Schedules / _ledger.Steps;

    private ImmutableArray<Shard> Plan(int schedules) =>
        _forest is not null ? PlanSearch(_forest, schedules)
        : IsOfOneMind ? [new Shard(_round, 0, _plan.Strategy, _plan.Seed, _ledger.Schedules, schedules, Length: 0) { Search = _search, ContextBound = _plan.ContextBound }]
        : PlanSamples(schedules);

    /// <summary>Of each subtree the same number of schedules, those opened first first.</summary>
    private ImmutableArray<Shard> PlanSearch(DporForest forest, int schedules)
    {
        var shards = Math.Min(Math.Min(forest.Count, ShardsOfRound), schedules);
        return
        [
            .. Enumerable.Range(0, shards).Select(i => new Shard(_round, i, _plan.Strategy, _plan.Seed, _ledger.Schedules, schedules / shards, Length: 0) { Search = forest.Give(i) }),
        ];
    }

    private ImmutableArray<Shard> PlanSamples(int schedules)
    {
        var most = (schedules + ShardsOfRound - 1) / ShardsOfRound;
        if (_ledger.Steps > 0)
        {
            most = (int)Math.Clamp(SchedulesOf(StepsOfShard), 1, most);
        }

        var shards = new List<Shard>();
        void Add(string strategy, int count, ImmutableArray<RaceHint> flips) =>
            shards.Add(new Shard(_round, shards.Count, strategy, _plan.Seed, _ledger.Schedules + shards.Sum(shard => shard.Schedules), count, _ledger.MostChoices) { Flips = flips });

        // Racing pairs met in one order only come first: the other order is where the surprise is.
        var flips = _portfolio.Members.Length > 1 ? _ledger.Flips(schedules / 4) : [];
        foreach (var chunk in flips.Chunk(most))
        {
            Add(StrategyCatalog.Flip, chunk.Length, [.. chunk]);
        }

        // Then turn and turn about, so that no member's schedules come before those of all others.
        for (var left = _portfolio.Share(schedules - flips.Length).ToArray(); left.Sum() > 0;)
        {
            for (var i = 0; i < left.Length; i++)
            {
                if (Math.Min(left[i], most) is > 0 and var count)
                {
                    Add(_portfolio.Members[i], count, []);
                    left[i] -= count;
                }
            }
        }

        return [.. shards];
    }
}
