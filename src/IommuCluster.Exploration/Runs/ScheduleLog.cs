using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
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
    private readonly HashSet<MetOrder> _orders = [];
    private readonly List<RaceOrderSeen> _raceOrders = [];

    /// <summary>Makes a log and notes what the boot showed, before anybody had a choice.</summary>
    /// <param name="runtime">The runtime.</param>
    public ScheduleLog(DeterministicRuntime runtime)
    {
        _runtime = runtime;
        foreach (var sighting in runtime.BootSightings)
        {
            Add(sighting, 0, Schedule.Default).AtBoot = true;
        }
    }

    /// <summary>Schedules noted.</summary>
    public long Schedules { get; private set; }

    /// <summary>Those that the strategy gave up.</summary>
    public long Abandoned { get; private set; }

    /// <summary>The most choices that one of them had.</summary>
    public int MostChoices { get; private set; }

    /// <summary>What was seen, in the order of first sight.</summary>
    public IReadOnlyList<LogEntry> Entries => _inOrder;

    /// <summary>Different data races.</summary>
    public int Races { get; private set; }

    /// <summary>Racing pairs in the orders in which they were met.</summary>
    public IReadOnlyList<RaceOrderSeen> RaceOrders => _raceOrders;

    /// <summary>The schedules that made edges of the lock graph, by their numbers.</summary>
    public IReadOnlyDictionary<long, Schedule> EdgeMakers => _edgeMakers;

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

        foreach (var sighting in _runtime.Sightings)
        {
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

    private LogEntry EntryOf(Sighting sighting, long number)
    {
        // The runtime tells a race again by the finding that it has told it by before.
        if (_races.TryGetValue(sighting.Finding, out var entry))
        {
            return entry;
        }

        if (!_entries.TryGetValue(sighting.Finding, out entry))
        {
            entry = Add(sighting, number, _runtime.ToSchedule());
            _news.Add(entry);
        }

        if (sighting.Finding.IsRace)
        {
            _races.Add(sighting.Finding, entry);
        }

        return entry;
    }

    private LogEntry Add(Sighting sighting, long number, Schedule schedule)
    {
        var entry = new LogEntry(sighting, number, schedule);
        _entries.Add(sighting.Finding, entry);
        _inOrder.Add(entry);
        Races += sighting.Finding.IsRace ? 1 : 0;
        return entry;
    }

    private void NoteOrder(Sighting sighting, long number)
    {
        if (sighting.OtherStep < 0)
        {
            return;
        }

        ref readonly var first = ref _runtime.Trace[sighting.OtherStep];
        ref readonly var second = ref _runtime.Trace[sighting.Step];
        if (_orders.Add(new MetOrder(first.Function, first.Kind, second.Function, second.Kind, first.Field ?? second.Field)))
        {
            _raceOrders.Add(new RaceOrderSeen(RaceOrder.Of(first, second), number));
        }
    }

    /// <summary>A <see cref="RaceOrder"/> that is quick to compare.</summary>
    private readonly record struct MetOrder(string First, StepKind FirstKind, string Second, StepKind SecondKind, FieldDescriptor? Field);
}

/// <summary>A finding over the schedules of a log.</summary>
/// <param name="sighting">Where the first schedule showed it.</param>
/// <param name="first">Number of that schedule.</param>
/// <param name="schedule">That schedule.</param>
internal sealed class LogEntry(Sighting sighting, long first, Schedule schedule)
{
    /// <summary>Where the first schedule showed it.</summary>
    public Sighting Sighting { get; } = sighting;

    /// <summary>Number of that schedule.</summary>
    public long First { get; } = first;

    /// <summary>That schedule.</summary>
    public Schedule Schedule { get; } = schedule;

    /// <summary>True when it showed before anybody had a choice.</summary>
    public bool AtBoot { get; set; }

    /// <summary>Schedules that showed it.</summary>
    public long Count { get; set; }

    /// <summary>Those of them that were not given up.</summary>
    public long Ended { get; set; }
}
