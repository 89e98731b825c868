using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Locking;

namespace IommuCluster.Kernel.Memory;

/// <summary>
/// A simulated thread of the kernel. Flows touch shared state only through its verbs; each verb that does is one step,
/// a place where another thread may run. What happens between two steps is local to the thread.
/// </summary>
public sealed partial class KernelThread
{
    private const int MaxFrames = 64;
    private const ulong CountsTerm = 0xc047UL << 32;

    private readonly IKernelMemory _memory;
    private readonly Lockdep? _lockdep;
    private readonly Machine? _machine;
    private readonly string[] _frames = new string[MaxFrames];
    private readonly HeldLock[] _held = new HeldLock[48];
    private readonly Recollection? _recollection;
    private readonly Action _exit;
    private int _depth;
    private int _allocations;
    private int _homes;
    private int _atomicDepth;
    private Action? _continuation;
    private Flow.Awaiter _body;

    /// <summary>The step that the thread wants to take, or took last.</summary>
#pragma warning disable CA1051 // A field: the runtimes fill it in place, millions of times a second.
    public StepRequest Request;
#pragma warning restore CA1051

    /// <summary>Makes a thread that has not started.</summary>
    /// <param name="memory">Where its steps go.</param>
    /// <param name="lockdep">The lock graph that its acquisitions are added to, or null.</param>
    /// <param name="slot">Its number among the runtime's threads.</param>
    /// <param name="machine">The machine's facts, or null.</param>
    /// <param name="observes">True to keep <see cref="LocalState"/> up to date, for searches over states.</param>
    public KernelThread(IKernelMemory memory, Lockdep? lockdep, int slot, Machine? machine, bool observes = false)
    {
        _memory = memory;
        _machine = machine;
        _lockdep = lockdep;
        _recollection = observes ? new Recollection(MaxFrames) : null;
        _exit = Exit;
        Slot = slot;
    }

    /// <summary>Its number among the threads that live at the same time.</summary>
    public int Slot { get; }

    /// <summary>The machine's facts. Looking at them is no step: they never change.</summary>
    internal Machine Machine => _machine ?? throw new InvalidOperationException("The program has no machine.");

    /// <summary>Its id: the order of its start within the schedule, from 1; 0 is the bank itself.</summary>
    public int Id { get; private set; }

    /// <summary>What it runs and how reports call it.</summary>
    public ThreadStart Start { get; private set; } = new("(none)", _ => Flow.Completed);

    /// <summary>What its last step answered.</summary>
    public ulong Result { get; private set; }

    /// <summary>Number of steps taken.</summary>
    public int StepCount { get; private set; }

    /// <summary>A hash on which all that it will do rests, but for memory: what it remembers, which locks it holds, and what its next objects are called. Zero unless asked for.</summary>
    public StateHash LocalState => _recollection is null ? default : _recollection.Hash.Plus(HeldState()).Plus(StateHash.Of(CountsTerm | (uint)_atomicDepth, ((ulong)_homes << 32) | (uint)_allocations));

    /// <summary>The thread that a <see cref="StepKind.Spawn"/> step starts.</summary>
    public ThreadStart? Spawned { get; private set; }

    /// <summary>The locks it holds, outermost first.</summary>
    public ReadOnlySpan<HeldLock> HeldLocks => _held.AsSpan(0, HeldCount);

    /// <summary>The number of locks it holds.</summary>
    public int HeldCount { get; private set; }

    /// <summary>The functions it is in, outermost first, by the names of the methods that model them.</summary>
    public ReadOnlySpan<string> Frames => _frames.AsSpan(0, _depth);

    /// <summary>The function it is in.</summary>
    public string Function => _depth > 0 ? _frames[_depth - 1] : Start.Name;

    /// <summary>A fault of our own that ended the body, or null. The runtime throws it at its rim.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>True when the step just announced is done and the thread goes on.</summary>
    internal bool GoesOn { get; private set; }

    /// <summary>Takes a slot's thread into use for another body.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="start">What it runs.</param>
    /// <param name="parent">The thread that spawned it, or null: its body knows what its parent knew.</param>
    public void Prepare(int id, ThreadStart start, KernelThread? parent = null)
    {
        Id = id;
        Start = start;
        StepCount = 0;
        _recollection?.Begin(parent is null ? default : InheritedFrom(parent));
        _depth = 0;
        _allocations = 0;
        _homes = 0;
        _atomicDepth = 0;
        Abandon();
        Failure = null;
        HeldCount = 0;
    }

    /// <summary>Runs the body up to its first step.</summary>
    public void Begin()
    {
        var outer = Recollection.Running;
        Recollection.Running = _recollection;
        _body = Start.Body(this).GetAwaiter();
        Recollection.Running = outer;
        if (_body.IsCompleted)
        {
            Exit();
        }
        else
        {
            _body.UnsafeOnCompleted(_exit);
        }
    }

    /// <summary>Takes the answer of the announced step. The thread does not run yet.</summary>
    /// <param name="result">The answer.</param>
    public void Complete(in StepResult result)
    {
        Result = result.Value;
        StepCount++;
        _recollection?.Observe(Request.Kind, Result);
        switch (Request.Kind)
        {
            case StepKind.Lock:
                Push(isRead: false, isTry: false);
                break;
            case StepKind.ReadLock:
                Push(isRead: true, isTry: false);
                break;
            case StepKind.TryLock when Result != 0:
                Push(isRead: false, isTry: true);
                break;
            case StepKind.Unlock or StepKind.ReadUnlock:
                Pop();
                break;
        }
    }

    /// <summary>Lets the thread run from its answered step to its next one.</summary>
    public void Resume()
    {
        var continuation = _continuation!;
        _continuation = null;
        Recollection.Running = _recollection;
        continuation();
    }

    /// <summary>Enters a kernel function, for the call stack of reports; and what it sees is forgotten when it has answered.</summary>
    /// <param name="function">The method that models it.</param>
    /// <returns>Leaves the function when disposed, which is to be when its method ends.</returns>
    public Frame Call([CallerMemberName] string function = "")
    {
        _frames[_depth++] = function;
        _recollection?.Enter();
        return new Frame(this);
    }

    /// <summary>Reports something wrong that the flow itself sees.</summary>
    /// <param name="kind">What kind of thing.</param>
    /// <param name="objectType">The kernel type concerned, or empty.</param>
    /// <param name="field">The field concerned, or empty.</param>
    /// <param name="message">One line for people.</param>
    /// <param name="function">The kernel function to blame; the one that the thread is in when not given.</param>
    public void Report(FindingKind kind, string objectType, string field, string message, string? function = null) =>
        Report(new Finding(kind, function ?? Function, objectType, field, string.Empty, message));

    /// <summary>Reports what a checker found as the thread went on.</summary>
    /// <param name="finding">The finding.</param>
    internal void Report(Finding finding) => _memory.Report(this, finding);

    /// <summary>Reports a WARN when the condition holds (Linux: <c>WARN_ON</c>). Not a step.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="what">The condition in words; part of the finding's identity, so without names and numbers.</param>
    /// <returns>The condition.</returns>
    public bool WarnOn(bool condition, string what)
    {
        if (condition)
        {
            Report(FindingKind.Warning, string.Empty, what, $"WARNING: {what}");
        }

        return condition;
    }

    /// <summary>Stores the continuation of a step that was not done at once.</summary>
    /// <param name="continuation">Runs the thread on.</param>
    internal void Suspend(Action continuation) => _continuation = continuation;

    /// <summary>Gives up the flows, innermost first, in which its last body still waits: most schedules with a bug end so, and their memory serves others.</summary>
    private void Abandon()
    {
        for (var waiting = _continuation; waiting?.Target is IFlowBox flow;)
        {
            waiting = flow.Release();
        }

        _continuation = null;
    }

    private void Exit()
    {
        try
        {
            _body.GetResult();
        }
#pragma warning disable CA1031 // Any fault of our own; whoever awaits this is the flow itself, so the runtime has to throw it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Failure = ExceptionDispatchInfo.Capture(failure);
            _memory.Exited(this);
            return;
        }

        if (HeldCount > 0)
        {
            ref var held = ref _held[HeldCount - 1];
            Report(FindingKind.HeldAtExit, held.Descriptor.Layout.Name, held.Descriptor.Name, $"{Start.Name} ended with {held.Descriptor.LockClass!.Name} held, taken in {held.Function}");
        }

        _memory.Exited(this);
    }

    /// <summary>What the parent knows, told from what another parent knows.</summary>
    private static StateHash InheritedFrom(KernelThread parent)
    {
        var (low, high) = parent.LocalState;
        return StateHash.Of((ulong)parent.Id, low).Plus(StateHash.Of(~(ulong)parent.Id, high));
    }

    private StateHash HeldState()
    {
        var state = default(StateHash);
        for (var i = 0; i < HeldCount; i++)
        {
            ref var held = ref _held[i];
            state = state.Plus(StateHash.Of(held.Base.Plus(held.Descriptor.Word).Value, ((ulong)i << 16) | ((ulong)held.Subclass << 8) | (held.IsRead ? 2UL : 1UL)));
        }

        return state;
    }

    private void Announce()
    {
        _recollection?.Settle();
        GoesOn = _memory.Announce(this);
    }

    private void Access<T>(StepKind kind, in Field<T> field, ulong value, Marking marking)
        where T : unmanaged => Access(kind, field.Base, field.Descriptor, field.Index, value, marking);

    private void Access(StepKind kind, Address at, FieldDescriptor? descriptor, int index, ulong value, Marking marking, byte subclass = 0)
    {
        Request.Kind = kind;
        Request.Marking = marking;
        Request.Subclass = subclass;
        Request.Base = at;
        Request.Field = descriptor;
        Request.Index = index;
        Request.Value = value;
        Request.Thread = Id;
        Announce();
    }

    /// <summary>One frame of the simulated call stack.</summary>
    public readonly struct Frame : IDisposable
    {
        private readonly KernelThread _thread;

        internal Frame(KernelThread thread) => _thread = thread;

        /// <summary>Leaves the function.</summary>
        public void Dispose()
        {
            _thread._depth--;
            _thread._recollection?.Leave();
        }
    }
}
