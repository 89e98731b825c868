using System.Diagnostics;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Telemetry;

/// <summary>Watches one kernel thread on its CPU: how long it waits for locks, and which functions it is in. Made only when somebody listens.</summary>
internal sealed class ThreadWatch
{
    private readonly ClusterInstruments _instruments;
    private readonly KernelThread _thread;
    private readonly ThreadSpans? _spans;
    private long _asked;
    private bool _waited;

    private ThreadWatch(ClusterInstruments instruments, KernelThread thread, ActivityContext soc)
    {
        _instruments = instruments;
        _thread = thread;
        _spans = soc == default ? null : new ThreadSpans(thread.Start.Name, soc, instruments.WallClock());
    }

    /// <summary>Makes a watch where it is heard.</summary>
    /// <param name="instruments">What it tells; null for nobody.</param>
    /// <param name="thread">The thread, prepared.</param>
    /// <param name="soc">The span of its SoC; none when spans are not recorded.</param>
    /// <returns>The watch, or null.</returns>
    public static ThreadWatch? Of(ClusterInstruments? instruments, KernelThread thread, ActivityContext soc) =>
        instruments is not null && (instruments.HearsLocks || soc != default) ? new ThreadWatch(instruments, thread, soc) : null;

    /// <summary>The thread asks for a step.</summary>
    public void Announced()
    {
        _asked = _instruments.Now();
        _waited = false;
        _spans?.At(_thread.Frames, _instruments.WallClock());
    }

    /// <summary>The step was queued.</summary>
    public void Queued() => _waited = true;

    /// <summary>The step was answered.</summary>
    /// <param name="value">The answer.</param>
    public void Answered(ulong value)
    {
        if (_thread.Request is { Kind: StepKind.Lock or StepKind.ReadLock or StepKind.TryLock, Field.LockClass: { } lockClass } request)
        {
            _instruments.Locked(lockClass.Name, _asked, _waited, taken: request.Kind != StepKind.TryLock || value != 0);
        }
    }

    /// <summary>The thread is gone.</summary>
    public void Ended() => _spans?.End(_instruments.WallClock());
}
