using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using IommuCluster.Exploration.Replay;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>How a runtime watches and when it stops.</summary>
public sealed record RuntimeOptions
{
    /// <summary>True to check data races and lock order; oopses, deadlocks and the flows' own reports are always on.</summary>
    public bool Checkers { get; init; } = true;

    /// <summary>True to keep the hash of the state, for searches over states.</summary>
    public bool StateHashing { get; init; }

    /// <summary>True to run on after an oops: the thread is gone, its locks stay held.</summary>
    public bool GoOnAfterOops { get; init; }

    /// <summary>True to begin every schedule at the first stage, so that its trace tells the boot, too; for reports. Choices have the same numbers either way.</summary>
    public bool WholeTrace { get; init; }

    /// <summary>True to look at every thread when something other than a race is seen, for reports; most findings are only counted.</summary>
    public bool Snapshots { get; init; }

    /// <summary>A schedule that takes more steps than this makes no progress.</summary>
    public int MaxSteps { get; init; } = 200_000;

    /// <summary>Hears of every schedule when it has ended; null for nobody.</summary>
    public IScheduleObserver? Observer { get; init; }
}

/// <summary>
/// Runs a workload in one process, one step at a time, the next thread picked by a strategy. Same choices, same
/// outcome, to the last bit. A thread that is picked again goes on without leaving its method; any other is suspended
/// and resumed from the loop in <see cref="Run"/>, so the stack stays flat.
/// </summary>
public sealed class DeterministicRuntime : IKernelMemory
{
    private const int MaxThreads = ThreadTurns.MaxThreads;
    private const ulong WakeTerm = 0x3a4eUL << 32;

    private readonly Workload _workload;
    private readonly RuntimeOptions _options;
    private readonly MemoryBank _bank;
    private readonly Oopses _oopses;
    private readonly Lockdep? _lockdep;
    private readonly DataRaces? _races;
    private readonly KernelThread[] _threads = new KernelThread[MaxThreads];
    private readonly List<Sighting> _sightings = [];
    private readonly RaceFindings _raceFindings = new();
    private readonly List<Deviation> _deviations = [];
    private readonly ulong _switchesAtBoot;
    private StepResult _result;
    private IStrategy _strategy = DefaultStrategy.Instance;
    private ThreadTurns _turns = new();
    private ulong _hardware;
    private int _nextId;
    private int _firstStage;
    private int _firstId = 1;
    private int _stage;
    private int _chosen;
    private int _choices;
    private bool _starting;
    private ScheduleEnd? _end;
    private ExceptionDispatchInfo? _failure;
    private long _step = 1;
    private long _scheduleBegin = 1;

    /// <summary>Makes a runtime and takes its snapshot at the last stage before which nobody had a choice.</summary>
    /// <param name="workload">What to run.</param>
    /// <param name="options">How to watch.</param>
    public DeterministicRuntime(Workload workload, RuntimeOptions? options = null)
    {
        _workload = workload;
        _options = options ?? new RuntimeOptions();
        _oopses = new Oopses(workload.Architecture);
        _bank = new MemoryBank(_options.StateHashing);
        _lockdep = _options.Checkers ? new Lockdep() : null;
        _races = _options.Checkers ? new DataRaces() : null;
        for (var slot = 0; slot < MaxThreads; slot++)
        {
            _threads[slot] = new KernelThread(this, _lockdep, slot, workload.Machine, _options.StateHashing);
        }

        Boot();
        _switchesAtBoot = workload.Machine?.Profile.Asked ?? 0;
    }

    /// <summary>The steps of the schedule.</summary>
    public Trace Trace { get; } = new();

    /// <summary>What was seen in the schedule.</summary>
    public IReadOnlyList<Sighting> Sightings => _sightings;

    /// <summary>What was seen before anybody had a choice: it shows in every schedule.</summary>
    public ImmutableArray<Sighting> BootSightings { get; private set; } = [];

    /// <summary>The memory.</summary>
    public MemoryBank Bank => _bank;

    /// <summary>What it runs.</summary>
    public Workload Workload => _workload;

    /// <summary>The lock graph, or null with checkers off.</summary>
    public Lockdep? Lockdep => _lockdep;

    /// <summary>True when <see cref="StateKey"/> tells states apart.</summary>
    public bool HasStateKeys => _options.StateHashing;

    /// <summary>Steps taken in all schedules.</summary>
    public long TotalSteps => _step - 1;

    /// <summary>The first stage in which there is a choice; schedules start there.</summary>
    public int FirstStage => _firstStage;

    /// <summary>Number of slots used in the present stage.</summary>
    public int ThreadCount => _turns.Count;

    /// <summary>The virtual clock, in ticks of 100 ns since the snapshot.</summary>
    public long Now => _turns.Now;

    /// <summary>How often more than one thread could run in the schedule; 0 when nobody had a choice.</summary>
    public int ChoiceCount => _choices;

    /// <summary>Called before each step with its number in the schedule and the thread, for reports that need the stack of a moment.</summary>
    public Action<int, KernelThread>? Watch { get; set; }

    /// <summary>Forgets which profile switches the schedules asked for, but for those of the boot before the snapshot.</summary>
    internal void ForgetSwitches() => _workload.Machine?.Profile.Asked = _switchesAtBoot;

    /// <summary>The schedule so far, to be replayed.</summary>
    /// <returns>A copy.</returns>
    public Schedule ToSchedule() => new([.. _deviations]);

    /// <summary>A thread of the present stage.</summary>
    /// <param name="slot">Its slot.</param>
    /// <returns>The thread.</returns>
    public KernelThread Thread(int slot) => _threads[slot];

    /// <summary>The barriers of the schedule, for strategies that follow the order of its steps.</summary>
    internal List<Barrier> Barriers { get; } = [];

    /// <summary>A bit for each live slot whose thread waits for another one.</summary>
    internal ulong Waiting => _turns.Waiting;

    /// <summary>Runs one schedule from the snapshot.</summary>
    /// <param name="strategy">Picks who runs.</param>
    /// <param name="number">The schedule's number.</param>
    /// <returns>How it ended; what was seen is in <see cref="Sightings"/>.</returns>
    public ScheduleEnd Run(IStrategy strategy, long number)
    {
        var end = RunStages(strategy, number, _firstStage, _workload.Stages.Length);
        _options.Observer?.Ended(this, end);
        return end;
    }

    /// <summary>The key of the present state: memory, and for each live thread how far it is and what it has observed.</summary>
    /// <returns>128 bits.</returns>
    public StateHash StateKey()
    {
        var key = _bank.Hash.Plus(StateHash.Of(((ulong)_stage << 32) | (uint)_nextId, (ulong)_turns.Now));
        for (var sleeping = _turns.Sleeping; sleeping != 0; sleeping &= sleeping - 1)
        {
            var slot = BitOperations.TrailingZeroCount(sleeping);
            key = key.Plus(StateHash.Of(WakeTerm | (uint)_threads[slot].Id, (ulong)_turns.WakeTimeOf(slot)));
        }

        for (var live = _turns.Live; live != 0; live &= live - 1)
        {
            var thread = _threads[BitOperations.TrailingZeroCount(live)];
            var local = thread.LocalState;
            key = key.Plus(StateHash.Of((ulong)thread.Id, local.Low)).Plus(StateHash.Of(~(ulong)thread.Id, local.High));
        }

        return key;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool Announce(KernelThread thread)
    {
        ref var request = ref thread.Request;
        var bit = 1UL << thread.Slot;
        if (request.Kind != StepKind.Allocate)
        {
            _bank.Resolve(ref request);
        }

        if (_bank.CanProceed(request))
        {
            _turns.Enabled |= bit;
        }
        else
        {
            _turns.Enabled &= ~bit;
            if (request.Kind == StepKind.Sleep)
            {
                _turns.Sleep(thread.Slot, (long)request.Value);
            }
        }

        if (_starting)
        {
            return false;
        }

        Choose();
        return _chosen == thread.Slot && Execute(thread);
    }

    /// <inheritdoc/>
    public void Report(KernelThread thread, Finding finding) => See(thread, finding, Trace.Count - 1, otherStep: -1);

    /// <inheritdoc/>
    public void Spawn(KernelThread parent, ThreadStart start) => StartThread(start, parent);

    /// <inheritdoc/>
    public void Exited(KernelThread thread)
    {
        _turns.Remove(thread.Slot);
        if (thread.Failure is not null)
        {
            _failure ??= thread.Failure;
            _end = ScheduleEnd.Abandoned;
        }

        if (!_starting)
        {
            Choose();
        }
    }

    /// <summary>Every thread of the moment, for reports.</summary>
    /// <returns>One snapshot a thread of the stage.</returns>
    public ImmutableArray<ThreadSnapshot> SnapshotThreads()
    {
        var snapshots = ImmutableArray.CreateBuilder<ThreadSnapshot>(_turns.Count);
        for (var slot = 0; slot < _turns.Count; slot++)
        {
            snapshots.Add(new ThreadSnapshot(_threads[slot], StateOf(_threads[slot])));
        }

        return snapshots.MoveToImmutable();
    }

    private void Boot()
    {
        if (_options.WholeTrace)
        {
            return;
        }

        // Run the stages in order until one offers a choice; that stage is where schedules begin.
        var probe = new ChoiceProbe();
        for (_firstStage = 0; _firstStage < _workload.Stages.Length - 1; _firstStage++)
        {
            probe.Asked = false;
            var end = RunStages(probe, number: -1, _firstStage, _firstStage + 1);
            if (probe.Asked || end != ScheduleEnd.Completed)
            {
                break;
            }

            BootSightings = BootSightings.AddRange(_sightings);
            _firstId = _nextId;
            _bank.TakeSnapshot();
            _lockdep?.TakeSnapshot();
        }

        _lockdep?.Forget(); // What the probe saw is seen again by the schedules.
    }

    private ScheduleEnd RunStages(IStrategy strategy, long number, int from, int to)
    {
        _bank.Reset();
        Trace.Clear();
        _sightings.Clear();
        _deviations.Clear();
        Barriers.Clear();
        _choices = 0;
        _lockdep?.BeginSchedule(number);
        _strategy = strategy;
        _scheduleBegin = _step;
        _nextId = _firstId;
        _turns.Now = 0;
        _end = null;
        for (_stage = from; _stage < to && _end is null; _stage++)
        {
            BeginStage(_workload.Stages[_stage]);
            Drive();
        }

        return _end ?? ScheduleEnd.Completed;
    }

    private void BeginStage(Stage stage)
    {
        _turns.BeginStage();
        _hardware = 0;
        _races?.BeginSchedule(_step);
        _starting = true;
        foreach (var start in stage.Threads)
        {
            StartThread(start, parent: null);
        }

        _starting = false;
        Barriers.Add(new Barrier(Trace.Count, ulong.MaxValue, IsStage: true, _nextId));
        Choose();
    }

    private void Drive()
    {
        while (_chosen >= 0)
        {
            var thread = _threads[_chosen];
            if (Execute(thread))
            {
                thread.Resume();
            }
        }

        if (_failure is { } failure)
        {
            _failure = null;
            failure.Throw(); // A fault of our own, not the modelled kernel's.
        }
    }

    private void StartThread(ThreadStart start, KernelThread? parent)
    {
        var slot = _turns.Add();
        var thread = _threads[slot];
        thread.Prepare(_nextId++, start, parent);
        _races?.ThreadStarted(slot, parent?.Slot ?? -1);
        if (start.IsHardware)
        {
            _hardware |= 1UL << slot;
        }

        var outer = _starting;
        _starting = true;
        thread.Begin();
        _starting = outer;
    }

    /// <summary>Picks who takes the next step; leaves -1 when the schedule or the stage is over.</summary>
    private void Choose()
    {
        if (_end is not null)
        {
            _chosen = -1;
            return;
        }

        if (_turns.Enabled == 0 && !WakeSleepers())
        {
            _chosen = -1;
            if ((_turns.Live & ~_hardware) != 0)
            {
                ReportStuck();
            }

            return;
        }

        if (_turns.IsForced)
        {
            _turns.Current = _chosen = BitOperations.TrailingZeroCount(_turns.Enabled);
            return;
        }

        var choice = new Choice(_turns.Enabled, _turns.Current, this);
        var slot = _strategy.Choose(choice);
        if (slot < 0)
        {
            _end = slot == ChoiceOutcome.Diverged ? ScheduleEnd.Diverged : ScheduleEnd.Abandoned;
            _chosen = -1;
            return;
        }

        if (slot != choice.Default)
        {
            _deviations.Add(new Deviation(_choices, slot));
        }

        _choices++;
        _turns.Current = _chosen = slot;
    }

    /// <summary>Takes the step that the thread announced.</summary>
    /// <returns>True when the thread goes on; false when it is gone.</returns>
    private bool Execute(KernelThread thread)
    {
        ref var request = ref thread.Request;
        Watch?.Invoke(Trace.Count, thread);
        _bank.Apply(ref request, ref _result);
        Record(thread, request);
        if (_races is not null && (_hardware >> thread.Slot & 1) == 0)
        {
            CheckRaces(thread, request);
        }

        _step++;
        thread.Complete(_result);
        if (_result.Fault != FaultKind.None)
        {
            Oops(thread);
            return false;
        }

        if (request.Kind >= StepKind.Free)
        {
            AfterEffects(thread, request);
        }

        if (Trace.Count >= _options.MaxSteps)
        {
            _end = ScheduleEnd.StepBound;
            Report(thread, new Finding(FindingKind.NoProgress, thread.Function, string.Empty, string.Empty, string.Empty, $"more than {_options.MaxSteps} steps in one schedule"));
        }

        return true;
    }

    private void Record(KernelThread thread, in StepRequest request)
    {
        ref var entry = ref Trace.Add();
        entry.Thread = thread.Slot;
        entry.Id = thread.Id;
        entry.Kind = request.Kind;
        entry.Marking = request.Marking;
        entry.Fault = _result.Fault;
        entry.Index = request.Index;
        entry.Function = thread.Function;
        entry.Field = request.Field;
        entry.Base = request.Base;
        entry.Value = request.Value;
        entry.Result = _result.Value;
    }

    private void CheckRaces(KernelThread thread, in StepRequest request)
    {
        var others = request.Kind == StepKind.Free && _result.Slot >= 0
            ? _races!.Free(thread.Slot, _step, _result.Slot, _bank.WordsOf(_result.ObjectNumber))
            : _races!.Step(thread.Slot, _step, request, _result);
        foreach (var other in others)
        {
            SeeRace(thread, (int)(other - _scheduleBegin));
        }
    }

    private void SeeRace(KernelThread thread, int otherStep)
    {
        ref readonly var first = ref Trace[otherStep];
        ref readonly var second = ref Trace[Trace.Count - 1];
        See(thread, _raceFindings.Of(first, second), Trace.Count - 1, otherStep);
    }

    /// <summary>Finds out who can run after a step that gave or took what others wait for.</summary>
    private void AfterEffects(KernelThread thread, in StepRequest request)
    {
        switch (request.Kind)
        {
            case StepKind.TryLock or StepKind.Lock or StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.RcuReadLock:
                ShutOut(thread);
                break;
            case StepKind.Spawn:
                Spawn(thread, thread.Spawned!);
                break;
            case StepKind.Free or StepKind.Unlock or StepKind.ReadUnlock or StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadUnlock:
                LetIn();
                break;
        }
    }

    private void LetIn()
    {
        for (var waiting = _turns.Waiting; waiting != 0; waiting &= waiting - 1)
        {
            var slot = BitOperations.TrailingZeroCount(waiting);
            if (_bank.CanProceed(_threads[slot].Request))
            {
                _turns.Enabled |= 1UL << slot;
            }
        }
    }

    private void ShutOut(KernelThread thread)
    {
        for (var others = _turns.Enabled & ~(1UL << thread.Slot); others != 0; others &= others - 1)
        {
            var slot = BitOperations.TrailingZeroCount(others);
            ref var request = ref _threads[slot].Request;
            if (request.Kind != StepKind.Sleep && !_bank.CanProceed(request)) // Who woke up stays awake.
            {
                _turns.Enabled &= ~(1UL << slot);
            }
        }
    }

    /// <summary>Wakes the next sleepers when nobody else can run; whatever was done before is ordered before them.</summary>
    private bool WakeSleepers()
    {
        var woken = _turns.WakeSleepers();
        if (woken)
        {
            Barriers.Add(new Barrier(Trace.Count, _turns.Enabled, IsStage: false, NextId: 0));
        }

        return woken;
    }

    private void Oops(KernelThread thread)
    {
        ref readonly var entry = ref Trace[Trace.Count - 1];
        See(thread, _oopses.Describe(entry, _bank), Trace.Count - 1, Oopses.FreeingStep(entry, Trace));
        _turns.Remove(thread.Slot);
        if (!_options.GoOnAfterOops)
        {
            _end = ScheduleEnd.Oopsed;
        }

        Choose();
    }

    private void ReportStuck()
    {
        _end = ScheduleEnd.Stuck;
        var waiters = new List<Waiter>();
        for (var live = _turns.Live; live != 0; live &= live - 1)
        {
            waiters.Add(Waiter.Of(_threads[BitOperations.TrailingZeroCount(live)]));
        }

        var (slot, finding) = new WaitGraph(waiters, at => _bank.Peek(at, 0)).Explain();
        See(_threads[slot], finding, Trace.Count - 1, otherStep: -1);
    }

    private void See(KernelThread thread, Finding finding, int step, int otherStep)
    {
        foreach (ref readonly var seen in CollectionsMarshal.AsSpan(_sightings))
        {
            if (ReferenceEquals(seen.Finding, finding) || seen.Finding.IsSameAs(finding))
            {
                return; // One sighting a finding and schedule.
            }
        }

        _sightings.Add(new Sighting(finding, step, thread.Slot, otherStep)
        {
            Threads = _options.Snapshots && !finding.IsRace ? SnapshotThreads() : [],
            Witnesses = finding.Kind == FindingKind.LockOrder && _lockdep!.Witnesses.Count > 1 ? [.. _lockdep.Witnesses] : [],
        });
    }

    private ThreadState StateOf(KernelThread thread)
    {
        var bit = 1UL << thread.Slot;
        return (_turns.Live & bit) == 0 ? ThreadState.Ended
            : (_turns.Sleeping & bit) != 0 ? ThreadState.Sleeps
            : (_turns.Enabled & bit) != 0 ? ThreadState.Runs
            : ThreadState.Waits;
    }

    /// <summary>Notes whether anybody was asked.</summary>
    private sealed class ChoiceProbe : IStrategy
    {
        public string Name => "probe";

        public bool Asked { get; set; }

        public bool BeginSchedule(long number) => true;

        public int Choose(in Choice choice)
        {
            Asked = true;
            return ChoiceOutcome.Abandon;
        }

        public void EndSchedule(ScheduleEnd end)
        {
        }
    }

    private sealed class DefaultStrategy : IStrategy
    {
        public static readonly DefaultStrategy Instance = new();

        public string Name => "default";

        public bool BeginSchedule(long number) => true;

        public int Choose(in Choice choice) => choice.Default;

        public void EndSchedule(ScheduleEnd end)
        {
        }
    }
}
