using IommuCluster.Kernel.Checking;

namespace IommuCluster.Kernel.Memory;

/// <summary>Where memory lives: the only thing between a thread's verbs and the world.</summary>
public interface IKernelMemory
{
    /// <summary>Takes notice of the step in <see cref="KernelThread.Request"/>.</summary>
    /// <param name="thread">The thread that wants to take it.</param>
    /// <returns>True when the step is done and the thread goes on at once; false when it is resumed later, or never.</returns>
    bool Announce(KernelThread thread);

    /// <summary>Takes notice of something wrong that the thread itself saw (a WARN, a failed assertion).</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="finding">What it saw.</param>
    void Report(KernelThread thread, Finding finding);

    /// <summary>Makes the thread that a <see cref="StepKind.Spawn"/> step starts.</summary>
    /// <param name="parent">The thread that starts it.</param>
    /// <param name="start">What it runs.</param>
    void Spawn(KernelThread parent, ThreadStart start);

    /// <summary>Takes notice that the thread's body returned.</summary>
    /// <param name="thread">The thread.</param>
    void Exited(KernelThread thread);
}

/// <summary>A thread to start.</summary>
/// <param name="Name">How reports call it (<c>modprobe arm-smmu</c>, <c>kworker/deferred_probe</c>).</param>
/// <param name="Body">What it runs.</param>
/// <param name="IsHardware">True for a DMA agent: it is no CPU, holds no locks and has no data races. When it waits, it keeps nobody: a stage ends without it.</param>
public sealed record ThreadStart(string Name, Func<KernelThread, Flow> Body, bool IsHardware = false);
