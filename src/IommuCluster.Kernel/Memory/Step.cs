using System.Runtime.CompilerServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>
/// One step of a thread, to be awaited at once. It completes synchronously when the scheduler lets the thread go on;
/// otherwise the thread is resumed when its turn comes. A thread that oopsed is never resumed: no exception, no
/// unwinding. A struct over the thread instead of a <see cref="Flow"/>, so that a step allocates nothing.
/// </summary>
/// <param name="thread">The thread that takes the step.</param>
public readonly struct Step(KernelThread thread)
{
    /// <summary>Lets the compiler await it.</summary>
    /// <returns>The awaiter.</returns>
    public Awaiter GetAwaiter() => new(thread);

    /// <summary>Waits for the step.</summary>
    /// <param name="thread">The thread that takes the step.</param>
    public readonly struct Awaiter(KernelThread thread) : ICriticalNotifyCompletion
    {
        /// <summary>True when the step is done and the thread goes on at once.</summary>
        public bool IsCompleted => thread.GoesOn;

        /// <summary>Ends the await.</summary>
        public void GetResult()
        {
        }

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => thread.Suspend(continuation);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => thread.Suspend(continuation);
    }
}

/// <summary>A step that answers a value.</summary>
/// <typeparam name="T">The answer's type.</typeparam>
/// <param name="thread">The thread that takes the step.</param>
public readonly struct Step<T>(KernelThread thread)
    where T : unmanaged
{
    /// <summary>Lets the compiler await it.</summary>
    /// <returns>The awaiter.</returns>
    public Awaiter GetAwaiter() => new(thread);

    /// <summary>Waits for the step.</summary>
    /// <param name="thread">The thread that takes the step.</param>
    public readonly struct Awaiter(KernelThread thread) : ICriticalNotifyCompletion
    {
        /// <summary>True when the step is done and the thread goes on at once.</summary>
        public bool IsCompleted => thread.GoesOn;

        /// <summary>Ends the await.</summary>
        /// <returns>What the step answered.</returns>
        public T GetResult() => Word.To<T>(thread.Result);

        /// <inheritdoc/>
        public void OnCompleted(Action continuation) => thread.Suspend(continuation);

        /// <inheritdoc/>
        public void UnsafeOnCompleted(Action continuation) => thread.Suspend(continuation);
    }
}
