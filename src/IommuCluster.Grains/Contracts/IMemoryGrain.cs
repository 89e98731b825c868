using System.Collections.Immutable;
using IommuCluster.Kernel.Memory;
using Orleans.Concurrency;

namespace IommuCluster.Grains.Contracts;

/// <summary>
/// Owns objects of one SoC and takes the steps of all threads on them, one at a time. Every message here and below is
/// answered at once and may be sent again until it is: arriving a second time it changes nothing and gets the first answer.
/// </summary>
[Alias("iommucluster.IMemoryGrain")]
internal interface IMemoryGrain : IGrainWithStringKey
{
    /// <summary>Takes a step, or queues it.</summary>
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

    /// <summary>Hashes all words: the boot is over.</summary>
    /// <returns>The hash, without what every bank has by construction.</returns>
    [Alias("end"), ReadOnly]
    ValueTask<StateMessage> EndAsync();

    /// <summary>Lets the activation go: nobody asks any more.</summary>
    /// <returns>Nothing: one way.</returns>
    [Alias("let-go"), OneWay]
    ValueTask LetGoAsync();
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
    /// <param name="order">What boots.</param>
    /// <param name="observer">Hears how it ended.</param>
    /// <returns>Completes at once.</returns>
    [Alias("begin")]
    ValueTask BeginAsync(BootOrder order, IBootObserver observer);

    /// <summary>Takes in a grain that a step or thread has called into being.</summary>
    /// <param name="part">What it is.</param>
    /// <param name="activation">Tells its activations apart.</param>
    /// <returns>What boots; null when the grain must not go on: the boot is unknown here, or the part was there before and has lost its memory with its silo.</returns>
    [Alias("join")]
    ValueTask<BootOrder?> JoinAsync(SocPart part, string activation);

    /// <summary>Takes a thread's report.</summary>
    /// <param name="report">The report.</param>
    /// <returns>Completes at once.</returns>
    [Alias("report")]
    ValueTask ReportAsync(ThreadReport report);

    /// <summary>Ends the boot because of a fault of our own.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <returns>Completes at once.</returns>
    [Alias("fail")]
    ValueTask FailAsync(string failure);

    /// <summary>Tells how far the boot is, and looks whether all its CPUs are still there.</summary>
    /// <returns>How far.</returns>
    [Alias("status")]
    ValueTask<BootStatus> StatusAsync();
}

/// <summary>A CPU: runs kernel threads, each step a message to the grain that owns the word. Key: boot, slash, cpu and number.</summary>
[Alias("iommucluster.ICpuGrain")]
internal interface ICpuGrain : IGrainWithStringKey
{
    /// <summary>Starts a thread.</summary>
    /// <param name="order">Which one.</param>
    /// <returns>Completes at once; the thread's end is a report to the SoC.</returns>
    [Alias("start")]
    ValueTask StartAsync(ThreadOrder order);

    /// <summary>Lets a thread take the step that it announced.</summary>
    /// <param name="thread">Id of the thread.</param>
    /// <param name="sequence">Which step.</param>
    /// <returns>Completes at once.</returns>
    [Alias("go")]
    ValueTask GoAsync(int thread, int sequence);

    /// <summary>Takes the answer of a step that was queued.</summary>
    /// <param name="grant">The answer.</param>
    /// <returns>Completes at once.</returns>
    [Alias("grant")]
    ValueTask GrantAsync(Grant grant);

    /// <summary>Describes its threads that wait.</summary>
    /// <returns>A description each.</returns>
    [Alias("waiters"), ReadOnly]
    ValueTask<ImmutableArray<WaiterMessage>> WaitersAsync();

    /// <summary>Stops all threads where they stand.</summary>
    /// <returns>What they did; completes when no step of theirs is on its way any more.</returns>
    [Alias("end")]
    ValueTask<CpuSummary> EndAsync();

    /// <summary>Puts places of the code into words.</summary>
    /// <param name="sites">Numbers that this CPU gave to places.</param>
    /// <returns>A description each, in the same order.</returns>
    [Alias("sites"), ReadOnly]
    ValueTask<ImmutableArray<SiteMessage>> SitesAsync(ImmutableArray<int> sites);

    /// <summary>Does nothing; a CPU that lost its threads joins its SoC anew, and is found out.</summary>
    /// <returns>Completes at once.</returns>
    [Alias("ping"), ReadOnly]
    ValueTask PingAsync();

    /// <summary>Lets the activation go: nobody asks any more.</summary>
    /// <returns>Nothing: one way.</returns>
    [Alias("let-go"), OneWay]
    ValueTask LetGoAsync();
}

/// <summary>Hears how a boot ended.</summary>
[Alias("iommucluster.IBootObserver")]
internal interface IBootObserver : IGrainObserver
{
    /// <summary>The boot has ended.</summary>
    /// <param name="report">How.</param>
    /// <returns>Completes when it was heard.</returns>
    [Alias("ended")]
    ValueTask EndedAsync(BootReport report);
}
