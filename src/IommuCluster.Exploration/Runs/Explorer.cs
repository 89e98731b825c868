using System.Collections.Immutable;
using CancellationToken = System.Threading.CancellationToken;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>Runs schedule after schedule of one workload and keeps one entry a finding.</summary>
public sealed class Explorer
{
    private readonly ExplorationOptions _options;
    private readonly TimeProvider _clock;
    private readonly DeterministicRuntime _runtime;
    private readonly IStrategy _strategy;
    private readonly ScheduleLog _log;

    private Explorer(Workload workload, IStrategy strategy, ExplorationOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        _strategy = strategy;
        _runtime = new DeterministicRuntime(workload, options.Runtime with { StateHashing = options.Runtime.StateHashing || StrategyCatalog.HashesStates(strategy.Name) });
        _log = new ScheduleLog(_runtime);
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
        var coverage = default(Coverage?);
        var onlySchedule = false;
        while (coverage is null)
        {
            if (!_strategy.BeginSchedule(_log.Schedules))
            {
                coverage = ExhaustedCoverage;
                break;
            }

            var end = _runtime.Run(_strategy, _log.Schedules);
            _strategy.EndSchedule(end);
            var stop = Note(end);
            onlySchedule = _runtime.ChoiceCount == 0;
            coverage = onlySchedule ? Coverage.Exhausted
                : _strategy is ISearch { IsExhausted: true } ? ExhaustedCoverage
                : stop || cancellation.IsCancellationRequested ? Coverage.StoppedEarly
                : _log.Schedules >= _options.Schedules || _clock.GetElapsedTime(begin) >= _options.Time ? Coverage.BudgetDone
                : null;
            if (_options.Progress is { } progress && (coverage is not null || _clock.GetElapsedTime(told) >= _options.ProgressInterval))
            {
                told = _clock.GetTimestamp();
                progress(new ExplorationProgress(_log.Schedules, _log.Steps, _clock.GetElapsedTime(begin), _log.Entries.Count - _log.Races, _log.Races));
            }
        }

        return Result(coverage.Value, _clock.GetElapsedTime(begin), onlySchedule) with { IsCancelled = cancellation.IsCancellationRequested && coverage == Coverage.StoppedEarly };
    }

    private Coverage ExhaustedCoverage => _strategy is ISearch { CompletedBound: not null } ? Coverage.ExhaustedToContextBound : Coverage.Exhausted;

    /// <summary>Takes notice of a schedule.</summary>
    /// <returns>True when the stop condition says so.</returns>
    private bool Note(ScheduleEnd end)
    {
        var stop = false;
        foreach (var entry in _log.Note(_log.Schedules, end))
        {
            stop |= _options.StopAt?.Invoke(entry.Observed(_log)) ?? false;
        }

        return stop;
    }

    private ExplorationResult Result(Coverage coverage, TimeSpan elapsed, bool onlySchedule)
    {
        var observed = _log.Entries.Select(entry => entry.Observed(_log)).ToList();
        var search = _strategy as ISearch;
        return new ExplorationResult(
            _strategy.Name,
            coverage,
            _log.Schedules,
            _log.Abandoned,
            _log.Steps,
            elapsed,
            [.. observed.Where(entry => !entry.Finding.IsRace)],
            [.. observed.Where(entry => entry.Finding.IsRace)])
        {
            States = search?.StateCount,
            ContextBound = search?.CompletedBound,
            IsApproximate = search?.IsApproximate ?? false,
            Progress = search?.Progress,
            IsOnlySchedule = onlySchedule,
            Switches = _log.Switches,
        };
    }
}
