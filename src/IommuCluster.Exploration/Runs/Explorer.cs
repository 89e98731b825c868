using System.Collections.Immutable;
using CancellationToken = System.Threading.CancellationToken;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>Runs schedule after schedule of one workload and keeps one entry a finding.</summary>
public sealed class Explorer
{
    private readonly ExplorationOptions _options;
    private readonly TimeProvider _clock;
    private readonly DeterministicRuntime _runtime;
    private readonly IStrategy _strategy;
    private readonly Dictionary<Finding, Entry> _entries = new(SameFinding.Instance);
    private readonly List<Entry> _inOrder = [];
    private readonly Dictionary<long, Schedule> _edgeMakers = [];
    private long _schedules;
    private long _abandoned;
    private int _races;

    private Explorer(Workload workload, IStrategy strategy, ExplorationOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _strategy = strategy;
        _runtime = new DeterministicRuntime(workload, options.Runtime with { StateHashing = options.Runtime.StateHashing || strategy is StateSearch or DeepeningSearch });
    }

    /// <summary>Explores.</summary>
    /// <param name="workload">What to run.</param>
    /// <param name="strategy">Picks who runs; a fresh one.</param>
    /// <param name="options">Budget and watch.</param>
    /// <param name="clock">Measures the budget in time.</param>
    /// <param name="cancellation">Ends the run after the present schedule; what was seen so far is answered.</param>
    /// <returns>What was seen.</returns>
    public static ExplorationResult Run(Workload workload, IStrategy strategy, ExplorationOptions options, TimeProvider clock, CancellationToken cancellation = default) =>
        new Explorer(workload, strategy, options, clock).Run(cancellation);

    private ExplorationResult Run(CancellationToken cancellation)
    {
        var begin = _clock.GetTimestamp();
        var told = begin;
        NoteBoot();
        Coverage? coverage = null;
        var onlySchedule = false;
        while (coverage is null)
        {
            if (!_strategy.BeginSchedule(_schedules))
            {
                coverage = Coverage.Exhausted;
                break;
            }

            var end = _runtime.Run(_strategy, _schedules);
            _strategy.EndSchedule(end);
            var stop = Note(end);
            _schedules++;
            onlySchedule = _runtime.ChoiceCount == 0;
            coverage = onlySchedule ? Coverage.Exhausted
                : _strategy is ISearch { IsExhausted: true } search ? (search.CompletedBound is null ? Coverage.Exhausted : Coverage.ExhaustedToContextBound)
                : stop || cancellation.IsCancellationRequested ? Coverage.StoppedEarly
                : _schedules >= _options.Schedules || _clock.GetElapsedTime(begin) >= _options.Time ? Coverage.BudgetDone
                : null;
            if (_options.Progress is { } progress && (coverage is not null || _clock.GetElapsedTime(told) >= _options.ProgressInterval))
            {
                told = _clock.GetTimestamp();
                progress(new ExplorationProgress(_schedules, _runtime.TotalSteps, _clock.GetElapsedTime(begin), _inOrder.Count - _races, _races));
            }
        }

        return Result(coverage.Value, _clock.GetElapsedTime(begin), onlySchedule) with { IsCancelled = cancellation.IsCancellationRequested && coverage == Coverage.StoppedEarly };
    }

    private void NoteBoot()
    {
        foreach (var sighting in _runtime.BootSightings)
        {
            Add(sighting, [Schedule.Default]).AtBoot = true;
        }

        if (_runtime.Lockdep is not null)
        {
            // What the boot's locks made is made again by any schedule.
            _edgeMakers[-1] = Schedule.Default;
        }
    }

    /// <summary>Takes notice of a schedule's sightings.</summary>
    /// <returns>True when the stop condition says so.</returns>
    private bool Note(ScheduleEnd end)
    {
        if (end == ScheduleEnd.Abandoned)
        {
            _abandoned++;
        }

        if (_runtime.Lockdep is { SawNewEdge: true })
        {
            _edgeMakers[_schedules] = _runtime.ToSchedule();
        }

        var stop = false;
        foreach (var sighting in _runtime.Sightings)
        {
            if (!_entries.TryGetValue(sighting.Finding, out var entry))
            {
                entry = Add(sighting, SchedulesOf(sighting));
                stop |= _options.StopAt?.Invoke(Observed(entry)) ?? false;
            }

            entry.Count++;
            if (end != ScheduleEnd.Abandoned)
            {
                entry.Ended++;
            }
        }

        return stop;
    }

    private Entry Add(Sighting sighting, ImmutableArray<Schedule> schedules)
    {
        var entry = new Entry(sighting, _schedules, schedules);
        _entries.Add(sighting.Finding, entry);
        _inOrder.Add(entry);
        _races += sighting.Finding.IsRace ? 1 : 0;
        return entry;
    }

    /// <summary>The schedule at hand, after those that made the other edges of a lock order.</summary>
    private ImmutableArray<Schedule> SchedulesOf(Sighting sighting) =>
    [
        .. sighting.Witnesses.Where(number => number >= 0 && number != _schedules).Order().Select(number => _edgeMakers[number]),
        _runtime.ToSchedule(),
    ];

    private ObservedFinding Observed(Entry entry) =>
        new(entry.Sighting.Finding, entry.Sighting, entry.First, entry.AtBoot ? _schedules : entry.Count, entry.Schedules)
        {
            AtBoot = entry.AtBoot,
            InEverySchedule = entry.AtBoot || (entry.Ended > 0 && entry.Ended == _schedules - _abandoned),
        };

    private ExplorationResult Result(Coverage coverage, TimeSpan elapsed, bool onlySchedule)
    {
        var observed = _inOrder.ConvertAll(Observed);
        var search = _strategy as ISearch;
        return new ExplorationResult(
            _strategy.Name,
            coverage,
            _schedules,
            _abandoned,
            _runtime.TotalSteps,
            elapsed,
            [.. observed.Where(entry => !entry.Finding.IsRace)],
            [.. observed.Where(entry => entry.Finding.IsRace)])
        {
            States = search?.StateCount,
            ContextBound = search?.CompletedBound,
            IsApproximate = search?.IsApproximate ?? false,
            Progress = search?.Progress,
            IsOnlySchedule = onlySchedule,
        };
    }

    private sealed class Entry(Sighting sighting, long first, ImmutableArray<Schedule> schedules)
    {
        public Sighting Sighting { get; } = sighting;

        public long First { get; } = first;

        public ImmutableArray<Schedule> Schedules { get; } = schedules;

        public bool AtBoot { get; set; }

        public long Count { get; set; }

        public long Ended { get; set; }
    }
}
