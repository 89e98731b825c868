using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IommuCluster.Grains.Contracts;

/// <summary>Owns objects of one SoC and takes the steps of all threads on them, one at a time.</summary>
[Alias("iommucluster.IMemoryGrain")]
internal interface IMemoryGrain : IGrainWithStringKey
{
    /// <summary>Takes a step, or queues it. One that arrives again gets the first answer and changes nothing.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The answer.</returns>
    [Alias("step")]
    ValueTask<StepReply> StepAsync(StepMessage step);

    /// <summary>Tells whether a step would go through now.</summary>
    /// <param name="step">The step.</param>
    /// <returns>False while it would have to wait.</returns>
    [Alias("can-proceed"), ReadOnly]
    ValueTask<bool> CanProceedAsync(StepMessage step);

    /// <summary>Reads a word outside of any thread.</summary>
    /// <param name="address">The word.</param>
    /// <returns>The word, or null when there is none.</returns>
    [Alias("peek"), ReadOnly]
    ValueTask<ulong?> PeekAsync(ulong address);

    /// <summary>Hashes all words and lets the activation go: the boot is over.</summary>
    /// <returns>The hash, without what every bank has by construction.</returns>
    [Alias("end")]
    ValueTask<StateMessage> EndAsync();
}

/// <summary>A device with its <c>dev_iommu</c> and fwspec. Key: boot, slash, home.</summary>
[Alias("iommucluster.IDeviceGrain")]
internal interface IDeviceGrain : IMemoryGrain;

/// <summary>An IOMMU instance.</summary>
[Alias("iommucluster.IIommuGrain")]
internal interface IIommuGrain : IMemoryGrain;

/// <summary>An IOMMU group.</summary>
[Alias("iommucluster.IGroupGrain")]
internal interface IGroupGrain : IMemoryGrain;

/// <summary>An IOMMU domain with its page tables.</summary>
[Alias("iommucluster.IDomainGrain")]
internal interface IDomainGrain : IMemoryGrain;

/// <summary>A SoC: its globals and RCU state, its virtual clock, and the order of its boot.</summary>
[Alias("iommucluster.ISocGrain")]
internal interface ISocGrain : IMemoryGrain
{
    /// <summary>Begins the boot that the key names.</summary>
    /// <param name="observer">Hears how it ended.</param>
    /// <returns>Completes when the first threads are on their way.</returns>
    [Alias("begin")]
    ValueTask BeginAsync(IBootObserver observer);

    /// <summary>Takes a thread's report.</summary>
    /// <param name="report">The report.</param>
    /// <returns>Nothing: one way.</returns>
    [Alias("report"), OneWay]
    ValueTask ReportAsync(ThreadReport report);
}

/// <summary>A CPU: runs kernel threads, each step a message to the grain that owns the word. Key: boot, slash, cpu and number.</summary>
[Alias("iommucluster.ICpuGrain")]
internal interface ICpuGrain : IGrainWithStringKey
{
    /// <summary>Starts a thread of a stage.</summary>
    /// <param name="order">Which one.</param>
    /// <returns>Nothing: one way; its end is a report to the SoC.</returns>
    [Alias("start"), OneWay]
    ValueTask StartAsync(ThreadOrder order);

    /// <summary>Lets a thread take the step that it announced.</summary>
    /// <param name="thread">Id of the thread.</param>
    /// <param name="sequence">Which step.</param>
    /// <returns>Nothing: one way.</returns>
    [Alias("go"), OneWay]
    ValueTask GoAsync(int thread, int sequence);

    /// <summary>Takes the answer of a step that was queued.</summary>
    /// <param name="grant">The answer.</param>
    /// <returns>Nothing: one way.</returns>
    [Alias("grant"), OneWay]
    ValueTask GrantAsync(Grant grant);

    /// <summary>Describes its threads that wait.</summary>
    /// <returns>A description each.</returns>
    [Alias("waiters")]
    ValueTask<ImmutableArray<WaiterMessage>> WaitersAsync();

    /// <summary>Stops all threads where they stand and lets the activation go.</summary>
    /// <returns>What they did; completes when no step of theirs is on its way any more.</returns>
    [Alias("end")]
    ValueTask<CpuSummary> EndAsync();
}

/// <summary>Hears how a boot ended.</summary>
[Alias("iommucluster.IBootObserver")]
internal interface IBootObserver : IGrainObserver
{
    /// <summary>The boot has ended.</summary>
    /// <param name="report">How.</param>
    [Alias("ended"), OneWay]
    void Ended(BootReport report);
}
