using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runs;

/// <summary>What a campaign has seen so far: results are merged into it in the order of their shards.</summary>
internal sealed class Ledger
{
    private const int MaxTries = 8;

    private readonly Dictionary<Finding, int> _places = new(SameFinding.Instance);
    private readonly List<SeenFinding> _findings = [];
    private readonly LockGraph _locks = new();
    private readonly SortedDictionary<long, Schedule> _edgeMakers = [];
    private readonly HashSet<RaceOrder> _orders = [];
    private readonly List<RaceOrderSeen> _ordersInOrder = [];
    private readonly List<RaceOrder> _hints = [];
    private readonly List<PendingFlip> _pending = [];

    /// <summary>Makes a ledger as it was.</summary>
    /// <param name="state">What <see cref="ToState"/> answered, or the default for an empty one.</param>
    public Ledger(LedgerState state)
    {
        (Schedules, Abandoned, Steps, MostChoices, LastNews, Switches) = (state.Schedules, state.Abandoned, state.Steps, state.MostChoices, state.LastNews, state.Switches);
        foreach (var finding in state.Findings)
        {
            Add(finding);
        }

        foreach (var edge in state.LockEdges)
        {
            _locks.Add(edge);
        }

        foreach (var (number, schedule) in state.EdgeMakers)
        {
            _edgeMakers.Add(number, schedule);
        }

        foreach (var seen in state.RaceOrders)
        {
            Meet(seen);
        }

        _hints.AddRange(state.Hints);
        _pending.AddRange(state.Pending);
    }

    /// <summary>Schedules run.</summary>
    public long Schedules { get; private set; }

    /// <summary>Schedules given up.</summary>
    public long Abandoned { get; private set; }

    /// <summary>Steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>The most choices that a schedule had.</summary>
    public int MostChoices { get; private set; }

    /// <summary>The schedule after the last one that showed something new; 0 when none did.</summary>
    public long LastNews { get; private set; }

    /// <summary>A bit for each profile switch that a flow asked for.</summary>
    public ulong Switches { get; private set; }

    /// <summary>Different findings that are no races.</summary>
    public int Consequences => _findings.Count - Races;

    /// <summary>Different data races.</summary>
    public int Races { get; private set; }

    /// <summary>Tells whether a finding was seen.</summary>
    /// <param name="finding">The finding.</param>
    /// <returns>True when one with its id was merged.</returns>
    public bool HasSeen(Finding finding) => _places.ContainsKey(finding);

    /// <summary>Pairs of accesses without a lock in common that no schedule has met as a race.</summary>
    public ImmutableArray<RaceOrder> Hints => [.. _hints];

    /// <summary>Merges a shard's result.</summary>
    /// <param name="result">The result; those of the shards before it were merged.</param>
    /// <returns>How much of it is new: findings, lock-order pairs, racing pairs in an order not met before.</returns>
    public int Merge(ShardResult result)
    {
        Schedules += result.Schedules;
        Abandoned += result.Abandoned;
        Steps += result.Steps;
        MostChoices = Math.Max(MostChoices, result.MostChoices);
        Switches |= result.Switches;
        var news = MergeLocks(result);
        foreach (var finding in result.Findings)
        {
            news += Merge(finding) ? 1 : 0;
        }

        foreach (var order in result.RaceOrders)
        {
            news += Meet(order) ? 1 : 0;
        }

        foreach (var hint in result.Hints)
        {
            Note(hint);
        }

        return news;
    }

    /// <summary>What was seen, in the order of first sight.</summary>
    /// <returns>One entry a finding.</returns>
    public ImmutableArray<ObservedFinding> Observed() => [.. _findings.OrderBy(seen => seen.AtBoot ? -1 : seen.First).Select(seen => seen.Observed(Schedules, Abandoned))];

    /// <summary>The coverage so far.</summary>
    /// <returns>Its figures.</returns>
    public CoverageFigures Figures() => new(
        _orders.Count(order => order.IsLeading || !_orders.Contains(order.Flipped)),
        _orders.Count(order => order.IsLeading && _orders.Contains(order.Flipped)),
        _locks.Edges.Count,
        LastNews);

    /// <summary>The ledger as data.</summary>
    /// <returns>What makes an equal ledger.</returns>
    public LedgerState ToState() => new()
    {
        Schedules = Schedules,
        Abandoned = Abandoned,
        Steps = Steps,
        MostChoices = MostChoices,
        LastNews = LastNews,
        Switches = Switches,
        Findings = [.. _findings],
        LockEdges = [.. _locks.Edges],
        EdgeMakers = [.. _edgeMakers.Select(maker => new NumberedSchedule(maker.Key, maker.Value))],
        RaceOrders = [.. _ordersInOrder],
        Hints = [.. _hints],
        Pending = [.. _pending],
    };

    /// <summary>Racing pairs to be met in the other order by one schedule each, those tried least first.</summary>
    /// <param name="most">How many at most.</param>
    /// <returns>How to meet them.</returns>
    public ImmutableArray<RaceHint> Flips(int most) => [.. _pending.OrderBy(flip => flip.Tries).Take(most).Select(flip => flip.Hint)];

    /// <summary>Takes notice of what was tried; a pair that was tried often without coming round is given up.</summary>
    /// <param name="flips">Some of <see cref="Flips"/>.</param>
    public void NoteTried(ImmutableArray<RaceHint> flips)
    {
        for (var i = 0; i < _pending.Count; i++)
        {
            _pending[i] = _pending[i] with { Tries = _pending[i].Tries + (flips.Contains(_pending[i].Hint) ? 1 : 0) };
        }

        _pending.RemoveAll(flip => flip.Tries >= MaxTries);
    }

    private bool Merge(SeenFinding seen)
    {
        if (!_places.TryGetValue(seen.Finding, out var place))
        {
            Add(seen);
            return !seen.AtBoot && IsNews(seen.First);
        }

        var before = _findings[place];
        if (!before.AtBoot && !before.Finding.IsToldOnce)
        {
            _findings[place] = before with { Count = before.Count + seen.Count, Ended = before.Ended + seen.Ended };
        }

        return false;
    }

    private bool Meet(RaceOrderSeen seen)
    {
        if (!_orders.Add(seen.Order))
        {
            return false;
        }

        _ordersInOrder.Add(seen with { Hint = null });
        _pending.RemoveAll(flip => flip.Order == seen.Order.Flipped);
        _hints.RemoveAll(seen.Order.IsPairOf);
        if (seen.Hint is not null && !_orders.Contains(seen.Order.Flipped))
        {
            _pending.Add(new PendingFlip(seen.Order, seen.Hint, Tries: 0));
        }

        return IsNews(seen.Schedule);
    }

    private void Note(RaceOrder hint)
    {
        if (!_orders.Contains(hint) && !_orders.Contains(hint.Flipped) && !_hints.Exists(hint.IsPairOf))
        {
            _hints.Add(hint);
        }
    }

    private int MergeLocks(ShardResult result)
    {
        var news = 0;
        var makers = result.EdgeMakers.ToDictionary(maker => maker.Number, maker => maker.Schedule);
        foreach (var edge in result.LockEdges.Where(edge => !_locks.Has(edge.Held.Key, edge.Acquired.Key)))
        {
            var cycle = _locks.Add(edge);
            if (edge.Schedule >= 0) // What the boot made, any schedule makes again; its cycles are among the boot's findings.
            {
                _edgeMakers[edge.Schedule] = makers[edge.Schedule];
                IsNews(edge.Schedule);
                news += cycle is not null && Merge(FindingOf(cycle)) ? 2 : 1;
            }
        }

        return news;
    }

    /// <summary>A cycle as a finding, with the schedules that make it together.</summary>
    private SeenFinding FindingOf(LockCycle cycle) => new(
        cycle.ToFinding(),
        Step: -1,
        Thread: -1,
        OtherStep: -1,
        cycle.Closing.Schedule,
        [.. cycle.Witnesses.Where(number => number >= 0).Order().Select(number => _edgeMakers[number])],
        Count: 1,
        Ended: 1,
        AtBoot: false);

    private bool IsNews(long schedule)
    {
        LastNews = Math.Max(LastNews, schedule + 1);
        return true;
    }

    private void Add(SeenFinding seen)
    {
        _places.Add(seen.Finding, _findings.Count);
        _findings.Add(seen);
        Races += seen.Finding.IsRace ? 1 : 0;
    }
}
