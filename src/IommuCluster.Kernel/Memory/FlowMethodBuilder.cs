using System.ComponentModel;
using System.Runtime.CompilerServices;

#pragma warning disable CA1000, CA1822 // The compiler asks for these members by name and shape.

namespace IommuCluster.Kernel.Memory;

/// <summary>What the compiler builds a <see cref="Flow"/> with; not for use by people.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct FlowMethodBuilder
{
    private FlowMethodBuilder<Nothing> _inner;

    /// <summary>The flow.</summary>
    public readonly Flow Task => new(_inner.Box);

    /// <summary>Makes a builder.</summary>
    /// <returns>The builder.</returns>
    public static FlowMethodBuilder Create() => default;

    /// <summary>Runs the method up to its first wait.</summary>
    /// <typeparam name="TMachine">The method's state machine.</typeparam>
    /// <param name="machine">The state machine.</param>
    public readonly void Start<TMachine>(ref TMachine machine)
        where TMachine : IAsyncStateMachine => machine.MoveNext();

    /// <summary>Of no use to structs.</summary>
    /// <param name="machine">The state machine.</param>
    public readonly void SetStateMachine(IAsyncStateMachine machine)
    {
    }

    /// <summary>Ends the flow.</summary>
    public void SetResult() => _inner.SetResult(default);

    /// <summary>Ends the flow with a fault of our own.</summary>
    /// <param name="exception">The fault.</param>
    public void SetException(Exception exception) => _inner.SetException(exception);

    /// <summary>Waits.</summary>
    /// <typeparam name="TAwaiter">What for.</typeparam>
    /// <typeparam name="TMachine">The method's state machine.</typeparam>
    /// <param name="awaiter">What for.</param>
    /// <param name="machine">The state machine.</param>
    public void AwaitOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : INotifyCompletion
        where TMachine : IAsyncStateMachine => _inner.AwaitOnCompleted(ref awaiter, ref machine);

    /// <summary>Waits.</summary>
    /// <typeparam name="TAwaiter">What for.</typeparam>
    /// <typeparam name="TMachine">The method's state machine.</typeparam>
    /// <param name="awaiter">What for.</param>
    /// <param name="machine">The state machine.</param>
    public void AwaitUnsafeOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : ICriticalNotifyCompletion
        where TMachine : IAsyncStateMachine => _inner.AwaitUnsafeOnCompleted(ref awaiter, ref machine);
}

/// <summary>What the compiler builds a <see cref="Flow{T}"/> with; not for use by people.</summary>
/// <typeparam name="T">The answer's type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public struct FlowMethodBuilder<T>
{
    private T _result;

    /// <summary>The flow.</summary>
    public readonly Flow<T> Task => new(Box, _result);

    /// <summary>Where the flow waits; null as long as it did not have to.</summary>
    internal FlowBox<T>? Box { get; private set; }

    /// <summary>Makes a builder.</summary>
    /// <returns>The builder.</returns>
    public static FlowMethodBuilder<T> Create() => default;

    /// <summary>Runs the method up to its first wait.</summary>
    /// <typeparam name="TMachine">The method's state machine.</typeparam>
    /// <param name="machine">The state machine.</param>
    public readonly void Start<TMachine>(ref TMachine machine)
        where TMachine : IAsyncStateMachine => machine.MoveNext();

    /// <summary>Of no use to structs.</summary>
    /// <param name="machine">The state machine.</param>
    public readonly void SetStateMachine(IAsyncStateMachine machine)
    {
    }

    /// <summary>Ends the flow.</summary>
    /// <param name="result">Its answer.</param>
    public void SetResult(T result)
    {
        Recollection.Running?.Return(result);
        if (Box is { } box)
        {
            box.SetResult(result);
        }
        else
        {
            _result = result;
        }
    }

    /// <summary>Ends the flow with a fault of our own.</summary>
    /// <param name="exception">The fault.</param>
    public void SetException(Exception exception) => (Box ??= new FailedFlow<T>()).SetException(exception);

    /// <summary>Waits.</summary>
    /// <typeparam name="TAwaiter">What for.</typeparam>
    /// <typeparam name="TMachine">The method's state machine.</typeparam>
    /// <param name="awaiter">What for.</param>
    /// <param name="machine">The state machine.</param>
    public void AwaitOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : INotifyCompletion
        where TMachine : IAsyncStateMachine => awaiter.OnCompleted(MoveNextOf(ref machine));

    /// <summary>Waits.</summary>
    /// <typeparam name="TAwaiter">What for.</typeparam>
    /// <typeparam name="TMachine">The method's state machine.</typeparam>
    /// <param name="awaiter">What for.</param>
    /// <param name="machine">The state machine.</param>
    public void AwaitUnsafeOnCompleted<TAwaiter, TMachine>(ref TAwaiter awaiter, ref TMachine machine)
        where TAwaiter : ICriticalNotifyCompletion
        where TMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(MoveNextOf(ref machine));

    private Action MoveNextOf<TMachine>(ref TMachine machine)
        where TMachine : IAsyncStateMachine
    {
        if (Box is { } mine)
        {
            return mine.MoveNext;
        }

        var box = FlowBox<T, TMachine>.Rent();
        Box = box; // Before the copy: this builder is part of the machine.
        box.Keep(machine);
        return box.MoveNext;
    }
}
