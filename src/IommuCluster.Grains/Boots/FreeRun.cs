using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Boots;

/// <summary>
/// A boot in which concurrency itself decides. To know that nobody can run although grants may be on their way, a thread
/// counts as blocked while the last wait that it reported is later than its last grant that was reported, and a grant is
/// reported by the thread whose step gave it, not later than that thread's own next wait or end. So when all are blocked,
/// no grant is in flight: the first unreported one would have been given by a thread that still counts as running.
/// </summary>
/// <param name="workload">What to run.</param>
/// <param name="options">When to stop.</param>
/// <param name="cpus">Number of CPUs.</param>
/// <param name="staysUp">True for a SoC that waits for operations when its stages are over.</param>
/// <param name="turn">Whose turn it is to be started first: nobody says in which order a machine's modprobes come, and a start is a message's way ahead.</param>
internal sealed class FreeRun(Workload workload, RuntimeOptions options, int cpus, bool staysUp = false, uint turn = 0) : IBootControl
{
    private readonly Dictionary<int, int> _waits = []; // The last step of each thread that was reported as queued.
    private readonly Dictionary<int, int> _grants = []; // And the last one that was reported as granted.
    private readonly HashSet<int> _live = [];
    private readonly HashSet<int> _hardware = [];
    private readonly List<(long Due, StepMessage Step)> _sleepers = [];
    private readonly Queue<BootAction> _actions = [];
    private long _now;
    private int _nextId = 1;
    private int _nextSlot;
    private int _first;
    private int _stage = -1;
    private bool _isAtRest;
    private ScheduleEnd? _end;

    /// <inheritdoc/>
    public void Take(ThreadReport report)
    {
        foreach (var wait in report.LetIn)
        {
            _grants[wait.Thread] = Math.Max(_grants.GetValueOrDefault(wait.Thread), wait.Sequence);
        }

        switch (report.Event)
        {
            case ThreadEvent.Blocked:
                _waits[report.Thread] = report.Sequence;
                break;
            case ThreadEvent.Oopsed when !options.GoOnAfterOops:
                _end ??= ScheduleEnd.Oopsed;
                break;
            case ThreadEvent.Ended or ThreadEvent.Oopsed:
                _live.Remove(report.Thread);
                break;
            case ThreadEvent.OverBound:
                _end ??= ScheduleEnd.StepBound;
                break;
            case ThreadEvent.Failed:
                _end ??= ScheduleEnd.Abandoned;
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"{report.Event} in a boot without a schedule.");
        }
    }

    /// <inheritdoc/>
    public void Answered(AskAction ask, bool canProceed) => throw new System.Diagnostics.UnreachableException("Nobody is asked in a boot without a schedule.");

    /// <inheritdoc/>
    public BootAction? Next()
    {
        if (_end is { } end)
        {
            return new EndAction(end);
        }

        if (_actions.Count == 0)
        {
            LookForWork();
        }

        return _actions.TryDequeue(out var action) ? action : null;
    }

    /// <inheritdoc/>
    public ThreadOrder Spawn(StepMessage step) => Add(step.Cpu, stage: -1, index: 0);

    /// <inheritdoc/>
    public int? Operate(OperationMessage operation)
    {
        if (!staysUp || _stage < workload.Stages.Length || _end is not null)
        {
            return null;
        }

        if (_isAtRest)
        {
            _isAtRest = false;
            _nextSlot = 0;
            _first = _nextId; // Whatever was done before is over.
        }

        var order = Add(_nextId % cpus, stage: -1, index: 0) with { Operation = operation };
        _actions.Enqueue(new StartAction(order));
        return order.Thread;
    }

    /// <inheritdoc/>
    public void Stop() => _end ??= ScheduleEnd.Completed;

    /// <inheritdoc/>
    public bool Sleep(StepMessage step)
    {
        _sleepers.Add((_now + (long)step.Value, step));
        return false;
    }

    private void LookForWork()
    {
        if (_live.All(thread => _hardware.Contains(thread) && IsBlocked(thread)))
        {
            // Hardware that waits keeps nobody; woken in a later stage, it goes on.
            if (!_isAtRest)
            {
                BeginStage();
            }
        }
        else if (_live.All(IsBlocked) && !WakeSleepers())
        {
            _actions.Enqueue(new EndAction(ScheduleEnd.Stuck));
        }
    }

    private void BeginStage()
    {
        _stage = Math.Min(_stage + 1, workload.Stages.Length);
        if (_stage == workload.Stages.Length)
        {
            _isAtRest = staysUp;
            _actions.Enqueue(staysUp ? new RestAction() : new EndAction(ScheduleEnd.Completed));
            return;
        }

        _nextSlot = 0;
        _first = _nextId;
        var threads = workload.Stages[_stage].Threads;
        var starts = new StartAction[threads.Length];
        for (var index = 0; index < threads.Length; index++)
        {
            var order = Add(index % cpus, _stage, index);
            starts[index] = new StartAction(order);
            if (threads[index].IsHardware)
            {
                _hardware.Add(order.Thread);
            }
        }

        for (var number = 0; number < starts.Length; number++)
        {
            _actions.Enqueue(starts[(int)((turn + (uint)number) % starts.Length)]);
        }
    }

    private ThreadOrder Add(int cpu, int stage, int index)
    {
        var order = new ThreadOrder(_nextId++, _nextSlot++, cpu, stage, index, _first);
        _live.Add(order.Thread);
        return order;
    }

    private bool IsBlocked(int thread) => _waits.GetValueOrDefault(thread) > _grants.GetValueOrDefault(thread);

    /// <summary>Moves the clock on to the next moment for which threads sleep, and wakes all of them.</summary>
    private bool WakeSleepers()
    {
        if (_sleepers.Count == 0)
        {
            return false;
        }

        _now = _sleepers.Min(sleeper => sleeper.Due);
        foreach (var (_, step) in _sleepers.Where(sleeper => sleeper.Due == _now))
        {
            _grants[step.Thread] = step.Sequence;
            _actions.Enqueue(new WakeAction(new Grant(step.Thread, step.Sequence, step.Cpu, StepReply.Done)));
        }

        _sleepers.RemoveAll(sleeper => sleeper.Due == _now);
        return true;
    }
}
