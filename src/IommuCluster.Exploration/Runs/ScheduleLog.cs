using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>Takes notice of what the schedules of one runtime show: one entry a finding.</summary>
internal sealed class ScheduleLog
{
    private readonly DeterministicRuntime _runtime;
    private readonly Dictionary<Finding, LogEntry> _races = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Finding, LogEntry> _entries = new(SameFinding.Instance);
    private readonly List<LogEntry> _inOrder = [];
    private readonly List<LogEntry> _news = [];
    private readonly Dictionary<long, Schedule> _edgeMakers = [];
    private readonly HashSet<MetOrder> _met = [];
    private readonly HashSet<RaceOrder> _orders = [];
    private readonly List<RaceOrderSeen> _raceOrders = [];
    private readonly List<RaceOrder> _hints = [];
    private readonly long _stepsBefore;

    /// <summary>Makes a log and notes what the boot showed, before anybody had a choice.</summary>
    /// <param name="runtime">The runtime; its lock graph takes part in what schedules show.</param>
    public ScheduleLog(DeterministicRuntime runtime)
    {
        _runtime = runtime;
        _stepsBefore = runtime.TotalSteps;
        foreach (var sighting in runtime.BootSightings)
        {
            Add(new LogEntry(sighting, 0, [Schedule.Default], atBoot: true));
        }
    }

    /// <summary>Schedules noted.</summary>
    public long Schedules { get; private set; }

    /// <summary>Those that the strategy gave up.</summary>
    public long Abandoned { get; private set; }

    /// <summary>The most choices that one of them had.</summary>
    public int MostChoices { get; private set; }

    /// <summary>A bit for each profile switch that a flow asked for.</summary>
    public ulong Switches => _runtime.Workload.Machine?.Profile.Asked ?? 0;

    /// <summary>What was seen, in the order of first sight.</summary>
    public IReadOnlyList<LogEntry> Entries => _inOrder;

    /// <summary>Different data races.</summary>
    public int Races { get; private set; }

    /// <summary>Racing pairs in the orders in which they were met.</summary>
    public IReadOnlyList<RaceOrderSeen> RaceOrders => _raceOrders;

    /// <summary>The schedules that made edges of the lock graph, by their numbers.</summary>
    public IReadOnlyDictionary<long, Schedule> EdgeMakers => _edgeMakers;

    /// <summary>Steps taken in the schedules noted.</summary>
    public long Steps => _runtime.TotalSteps - _stepsBefore;

    /// <summary>The log as data.</summary>
    /// <returns>All that it has noted.</returns>
    public LedgerState ToState() => new()
    {
        Schedules = Schedules,
        Abandoned = Abandoned,
        Steps = Steps,
        MostChoices = MostChoices,
        Switches = Switches,
        Findings = [.. _inOrder.Select(entry => entry.ToSeen())],
        LockEdges = [.. _runtime.Lockdep?.Edges ?? []],
        EdgeMakers = [.. _edgeMakers.OrderBy(maker => maker.Key).Select(maker => new NumberedSchedule(maker.Key, maker.Value))],
        RaceOrders = [.. _raceOrders],
        Hints = [.. _hints],
    };

    /// <summary>Notes the schedule that the runtime has just run.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="end">How it ended.</param>
    /// <returns>The findings that were not seen before; valid until the next call.</returns>
    public IReadOnlyList<LogEntry> Note(long number, ScheduleEnd end)
    {
        _news.Clear();
        Schedules++;
        Abandoned += end == ScheduleEnd.Abandoned ? 1 : 0;
        MostChoices = Math.Max(MostChoices, _runtime.ChoiceCount);
        if (_runtime.Lockdep is { SawNewEdge: true })
        {
            _edgeMakers[number] = _runtime.ToSchedule();
        }

        for (var i = 0; i < _runtime.Sightings.Count; i++) // Without an enumerator: it would be the most that a schedule allocates.
        {
            var sighting = _runtime.Sightings[i];
            var entry = EntryOf(sighting, number);
            entry.Count++;
            entry.Ended += end == ScheduleEnd.Abandoned ? 0 : 1;
            if (sighting.Finding.IsRace)
            {
                NoteOrder(sighting, number);
            }
        }

        return _news;
    }

    /// <summary>Notes which pairs of accesses of the schedule that was just noted share no lock.</summary>
    public void NoteHints()
    {
        foreach (var (first, second) in LocksetPairs.Of(_runtime))
        {
            var order = RaceOrder.Of(_runtime.Trace[first], _runtime.Trace[second]);
            if (!_orders.Contains(order) && !_orders.Contains(order.Flipped) && !_hints.Exists(order.IsPairOf))
            {
                _hints.Add(order);
            }
        }
    }

    private LogEntry EntryOf(in Sighting sighting, long number)
    {
        // The runtime tells a race again by the finding that it has told it by before.
        if (_races.TryGetValue(sighting.Finding, out var entry))
        {
            return entry;
        }

        if (!_entries.TryGetValue(sighting.Finding, out entry))
        {
            _news.Add(entry = Add(new LogEntry(sighting, number, SchedulesOf(sighting, number), atBoot: false)));
        }

        if (sighting.Finding.IsRace)
        {
            _races.Add(sighting.Finding, entry);
        }

        return entry;
    }

    /// <summary>The schedule at hand, after those that made the other edges of a lock order.</summary>
    private ImmutableArray<Schedule> SchedulesOf(in Sighting sighting, long number) =>
    [
        .. sighting.Witnesses.Where(witness => witness >= 0 && witness != number).Order().Select(witness => _edgeMakers[witness]),
        _runtime.ToSchedule(),
    ];

    private LogEntry Add(LogEntry entry)
    {
        _entries.Add(entry.Sighting.Finding, entry);
        _inOrder.Add(entry);
        Races += entry.Sighting.Finding.IsRace ? 1 : 0;
        return entry;
    }

    private void NoteOrder(in Sighting sighting, long number)
    {
        if (sighting.OtherStep < 0)
        {
            return;
        }

        ref readonly var first = ref _runtime.Trace[sighting.OtherStep];
        ref readonly var second = ref _runtime.Trace[sighting.Step];
        if (_met.Add(new MetOrder(first.Function, first.Kind, second.Function, second.Kind, first.Field ?? second.Field)) && RaceOrder.Of(first, second) is var order && _orders.Add(order))
        {
            _raceOrders.Add(new RaceOrderSeen(order, number, RaceHint.Of(_runtime, sighting.OtherStep, sighting.Step)));
        }
    }

    /// <summary>A <see cref="RaceOrder"/> that is quick to compare.</summary>
    private readonly record struct MetOrder(string First, StepKind FirstKind, string Second, StepKind SecondKind, FieldDescriptor? Field);
}

/// <summary>A finding over the schedules of a log.</summary>
/// <param name="sighting">Where the first schedule showed it.</param>
/// <param name="first">Number of that schedule.</param>
/// <param name="schedules">What to replay to see it again.</param>
/// <param name="atBoot">True when it showed before anybody had a choice.</param>
internal sealed class LogEntry(Sighting sighting, long first, ImmutableArray<Schedule> schedules, bool atBoot)
{
    /// <summary>Where the first schedule showed it.</summary>
    public Sighting Sighting => sighting;

    /// <summary>Schedules that showed it.</summary>
    public long Count { get; set; }

    /// <summary>Those of them that were not given up.</summary>
    public long Ended { get; set; }

    /// <summary>The entry as data.</summary>
    /// <returns>The finding so far.</returns>
    public SeenFinding ToSeen() =>
        new(sighting.Finding, sighting.Step, sighting.Thread, sighting.OtherStep, first, schedules, Count, Ended, atBoot);

    /// <summary>The finding over a run.</summary>
    /// <param name="log">The run.</param>
    /// <returns>The finding so far, with the threads of its first sight where they are known.</returns>
    public ObservedFinding Observed(ScheduleLog log) => ToSeen().Observed(log.Schedules, log.Abandoned) with { Sighting = sighting };
}
