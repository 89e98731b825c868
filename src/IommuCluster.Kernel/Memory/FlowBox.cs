using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>The answer of a flow that answers none.</summary>
internal readonly struct Nothing;

/// <summary>Where a flow waits, whatever it answers.</summary>
internal interface IFlowBox
{
    /// <summary>Lets go of the flow, done or given up; the box serves another flow from here on.</summary>
    /// <returns>Runs on who waits for the flow; null when nobody does.</returns>
    Action? Release();
}

/// <summary>Where a flow waits that could not end at once. One thread at a time uses it, as it does the flow.</summary>
/// <typeparam name="T">The answer's type.</typeparam>
internal abstract class FlowBox<T> : IFlowBox
{
    private Action? _continuation;
    private ExceptionDispatchInfo? _failure;
    private T _result = default!;

    /// <summary>Makes a box.</summary>
    protected FlowBox() => MoveNext = Resume;

    /// <summary>Runs the flow on from where it waits.</summary>
    public Action MoveNext { get; }

    /// <summary>True when the flow is done.</summary>
    public bool IsCompleted { get; private set; }

    /// <summary>Notes who waits for the flow.</summary>
    /// <param name="continuation">Runs it on.</param>
    public void OnCompleted(Action continuation) => _continuation = continuation;

    /// <summary>Ends the flow.</summary>
    /// <param name="result">Its answer.</param>
    public void SetResult(T result)
    {
        _result = result;
        Complete();
    }

    /// <summary>Ends the flow with a fault of our own.</summary>
    /// <param name="failure">The fault.</param>
    public void SetException(Exception failure)
    {
        _failure = ExceptionDispatchInfo.Capture(failure);
        Complete();
    }

    /// <summary>Takes the answer; the box serves another flow from here on.</summary>
    /// <returns>The answer.</returns>
    public T TakeResult()
    {
        _failure?.Throw();
        var result = _result;
        Release();
        return result;
    }

    /// <inheritdoc/>
    public Action? Release()
    {
        var waiting = _continuation;
        _result = default!;
        _continuation = null;
        IsCompleted = false;
        Recycle();
        return waiting;
    }

    /// <summary>Runs the flow on.</summary>
    protected abstract void Resume();

    /// <summary>Keeps the box for another flow of the same method.</summary>
    protected abstract void Recycle();

    private void Complete()
    {
        IsCompleted = true;
        _continuation?.Invoke();
    }
}

/// <summary>A fault of our own before the first wait: nothing to run on, only to throw.</summary>
/// <typeparam name="T">The answer's type.</typeparam>
internal sealed class FailedFlow<T> : FlowBox<T>
{
    /// <inheritdoc/>
    protected override void Resume()
    {
    }

    /// <inheritdoc/>
    protected override void Recycle()
    {
    }
}

/// <summary>The box of one method's flows. Those that are done wait on their thread to be used again.</summary>
/// <typeparam name="T">The answer's type.</typeparam>
/// <typeparam name="TMachine">The method's state machine.</typeparam>
internal sealed class FlowBox<T, TMachine> : FlowBox<T>
    where TMachine : IAsyncStateMachine
{
    private const int MostKept = 64; // Where flows end on other threads than they began, one thread's list only grows.

    [ThreadStatic]
    private static FlowBox<T, TMachine>? t_kept;

    private TMachine _machine = default!;
    private FlowBox<T, TMachine>? _next;
    private int _position;

    /// <summary>A box to use.</summary>
    /// <returns>One that was kept, or a new one.</returns>
    public static FlowBox<T, TMachine> Rent()
    {
        if (t_kept is not { } box)
        {
            return new FlowBox<T, TMachine>();
        }

        t_kept = box._next;
        return box;
    }

    /// <summary>Takes in the method's state at its first wait.</summary>
    /// <param name="machine">The state machine; it knows its box already.</param>
    public void Keep(in TMachine machine) => _machine = machine;

    /// <inheritdoc/>
    protected override void Resume() => _machine.MoveNext();

    /// <inheritdoc/>
    protected override void Recycle()
    {
        _machine = default!;
        var position = t_kept is { } kept ? kept._position + 1 : 1;
        if (position <= MostKept)
        {
            (_next, _position) = (t_kept, position);
            t_kept = this;
        }
    }
}
