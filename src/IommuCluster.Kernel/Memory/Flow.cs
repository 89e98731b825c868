using System.Runtime.CompilerServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>
/// A kernel function under way: an async method whose only awaits are steps and other flows. Await it at once and once;
/// after that its memory serves another flow. A type of our own instead of <see cref="ValueTask"/>, because a flow knows
/// who resumes it: it carries no execution context, asks for no scheduler, and allocates nothing once it is warm.
/// </summary>
[AsyncMethodBuilder(typeof(FlowMethodBuilder))]
public readonly struct Flow
{
    private readonly FlowBox<Nothing>? _box;

    internal Flow(FlowBox<Nothing>? box) => _box = box;

    /// <summary>A flow that took no step and is done.</summary>
    public static Flow Completed => default;

    /// <summary>A flow that took no step and is done.</summary>
    /// <typeparam name="T">The answer's type.</typeparam>
    /// <param name="result">Its answer.</param>
    /// <returns>The flow.</returns>
    public static Flow<T> FromResult<T>(T result) => new(box: null, result);

    /// <summary>Lets the compiler await it.</summary>
    /// <returns>The awaiter.</returns>
    public Awaiter GetAwaiter() => new(_box);

    /// <summary>Waits for the flow.</summary>
    public readonly struct Awaiter : ICriticalNotifyCompletion
    {
        private readonly FlowBox<Nothing>? _box;

        internal Awaiter(FlowBox<Nothing>? box) => _box = box;

        /// <summary>True when the flow is done.</summary>
        public bool IsCompleted => _box is null || _box.IsCompleted;

        /// <summary>Ends the await.</summary>
        public void GetResult() => _box?.TakeResult();

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => _box!.OnCompleted(continuation);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => _box!.OnCompleted(continuation);
    }
}

/// <summary>A flow that answers a value.</summary>
/// <typeparam name="T">The answer's type.</typeparam>
[AsyncMethodBuilder(typeof(FlowMethodBuilder<>))]
public readonly struct Flow<T>
{
    private readonly FlowBox<T>? _box;
    private readonly T _result;

    internal Flow(FlowBox<T>? box, T result) => (_box, _result) = (box, result);

    /// <summary>Lets the compiler await it.</summary>
    /// <returns>The awaiter.</returns>
    public Awaiter GetAwaiter() => new(_box, _result);

    /// <summary>Waits for the flow.</summary>
    public readonly struct Awaiter : ICriticalNotifyCompletion
    {
        private readonly FlowBox<T>? _box;
        private readonly T _result;

        internal Awaiter(FlowBox<T>? box, T result) => (_box, _result) = (box, result);

        /// <summary>True when the flow is done.</summary>
        public bool IsCompleted => _box is null || _box.IsCompleted;

        /// <summary>Ends the await.</summary>
        /// <returns>What the flow answered.</returns>
        public T GetResult() => _box is null ? _result : _box.TakeResult();

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => _box!.OnCompleted(continuation);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => _box!.OnCompleted(continuation);
    }
}
