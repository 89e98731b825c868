using System.Numerics;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Boots;

/// <summary>
/// A boot in which a schedule decides: every thread announces its step and waits, one goes on, and the choices have the
/// numbers that they have in the deterministic runtime. Whether a step would have to wait is asked of the grain that owns
/// the word, when it is announced and whenever a step gave or took what others may wait for.
/// </summary>
/// <param name="workload">What to run.</param>
/// <param name="options">When to stop.</param>
/// <param name="schedule">The schedule.</param>
/// <param name="cpus">Number of CPUs.</param>
internal sealed class ControlledRun(Workload workload, RuntimeOptions options, Schedule schedule, int cpus) : IBootControl
{
    private readonly ScheduleCursor _cursor = new(schedule);
    private readonly StepMessage?[] _announced = new StepMessage?[ThreadTurns.MaxThreads];
    private readonly Dictionary<int, int> _slots = [];
    private readonly Queue<StartAction> _starts = [];
    private readonly Queue<AskAction> _asks = [];
    private ThreadTurns _turns = new();
    private int _running;
    private int _nextId = 1;
    private int _stage = -1;
    private int _first;
    private int _steps;
    private bool _isSettled = true;
    private ScheduleEnd? _end;

    /// <inheritdoc/>
    public void Take(ThreadReport report)
    {
        _running--;
        var slot = _slots[report.Thread];
        switch (report.Event)
        {
            case ThreadEvent.Announced:
                Announced(slot, report.Step!); // Never null with this event.
                break;
            case ThreadEvent.Ended:
                _turns.Remove(slot);
                break;
            case ThreadEvent.Oopsed:
                _turns.Remove(slot);
                _end ??= options.GoOnAfterOops ? null : ScheduleEnd.Oopsed;
                break;
            case ThreadEvent.OverBound:
                _end ??= ScheduleEnd.StepBound;
                break;
            case ThreadEvent.Failed:
                _end ??= ScheduleEnd.Abandoned;
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"{report.Event} in a boot with a schedule.");
        }
    }

    /// <inheritdoc/>
    public void Answered(AskAction ask, bool canProceed)
    {
        var bit = 1UL << ask.Slot;
        _turns.Enabled = canProceed ? _turns.Enabled | bit : _turns.Enabled & ~bit;
    }

    /// <inheritdoc/>
    public BootAction? Next()
    {
        if (_end is { } end)
        {
            return End(end);
        }

        if (_starts.TryDequeue(out var start))
        {
            return start;
        }

        if (_running > 0)
        {
            return null;
        }

        Settle();
        return _asks.TryDequeue(out var ask) ? ask : Choose();
    }

    /// <inheritdoc/>
    public ThreadOrder Spawn(StepMessage step) => Add(step.Cpu, stage: -1, index: 0);

    /// <inheritdoc/>
    public bool Sleep(StepMessage step) => true; // It goes on only when its time has come.

    private static bool MayWait(StepKind kind) =>
        kind is StepKind.Lock or StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu;

    private static bool ChangesWaits(StepKind kind) => kind >= StepKind.Free;

    private void Announced(int slot, StepMessage step)
    {
        _announced[slot] = step;
        if (step.Kind == StepKind.Sleep)
        {
            _turns.Sleep(slot, (long)step.Value);
        }
        else if (MayWait(step.Kind))
        {
            _asks.Enqueue(new AskAction(slot, step));
        }
        else
        {
            _turns.Enabled |= 1UL << slot;
        }
    }

    /// <summary>After a step that gave or took something, asks again for everybody who may have to wait for it.</summary>
    private void Settle()
    {
        if (_isSettled)
        {
            return;
        }

        _isSettled = true;
        _asks.Clear();
        for (var live = _turns.Live; live != 0; live &= live - 1)
        {
            var slot = BitOperations.TrailingZeroCount(live);
            if (_announced[slot] is { } step && MayWait(step.Kind))
            {
                _asks.Enqueue(new AskAction(slot, step));
            }
        }
    }

    private BootAction Choose()
    {
        if (_turns.Live == 0)
        {
            return BeginStage();
        }

        if (_turns.Enabled == 0 && !_turns.WakeSleepers())
        {
            return End(ScheduleEnd.Stuck);
        }

        var slot = _turns.IsForced ? BitOperations.TrailingZeroCount(_turns.Enabled) : _cursor.Choose(_turns.Enabled, _turns.Default);
        return slot == ChoiceOutcome.Diverged ? new EndAction(ScheduleEnd.Diverged)
            : _steps++ == options.MaxSteps ? new EndAction(ScheduleEnd.StepBound)
            : Go(slot);
    }

    /// <summary>An end before the schedule's last deviation is none of the schedule's.</summary>
    private EndAction End(ScheduleEnd end) =>
        new(end is (ScheduleEnd.Completed or ScheduleEnd.Oopsed or ScheduleEnd.Stuck) && !_cursor.HasMadeAll ? ScheduleEnd.Diverged : end);

    private GoAction Go(int slot)
    {
        var step = _announced[slot]!; // It is enabled, so it announced.
        _turns.Current = slot;
        _running = 1;
        _isSettled = !ChangesWaits(step.Kind);
        return new GoAction(step);
    }

    private BootAction BeginStage()
    {
        if (++_stage == workload.Stages.Length)
        {
            return End(ScheduleEnd.Completed);
        }

        _turns.BeginStage();
        _first = _nextId;
        for (var index = 0; index < workload.Stages[_stage].Threads.Length; index++)
        {
            _starts.Enqueue(new StartAction(Add(index % cpus, _stage, index)));
        }

        return _starts.TryDequeue(out var start) ? start : BeginStage();
    }

    private ThreadOrder Add(int cpu, int stage, int index)
    {
        var order = new ThreadOrder(_nextId++, _turns.Add(), cpu, stage, index, _first);
        _slots[order.Thread] = order.Slot;
        _announced[order.Slot] = null;
        _running++;
        return order;
    }
}
