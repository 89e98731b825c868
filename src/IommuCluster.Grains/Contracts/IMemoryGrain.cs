using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
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

    /// <summary>Stays for another <see cref="Messaging.Tenure.Length"/> although nobody asks: the SoC is up. The SoC itself sees to its parts, and whether it is still wanted.</summary>
    /// <returns>Completes when all was told.</returns>
    [Alias("stay")]
    ValueTask StayAsync();

    /// <summary>Lets the activation go: nobody asks any more.</summary>
    /// <returns>Nothing: one way.</returns>
    [Alias("let-go"), OneWay]
    ValueTask LetGoAsync();
}

/// <summary>A device with its <c>dev_iommu</c> and fwspec. Key: boot, slash, the SoC's silo, slash, home; of a scattered SoC without the silo.</summary>
/// <remarks>Operations, here and below, are for a live SoC: they are answered at once, and run as kernel flows under the caller's ticket.</remarks>
[Alias("iommucluster.IDeviceGrain"), GrainInterfaceType(GrainKeys.Names.Device)]
internal interface IDeviceGrain : IMemoryGrain
{
    /// <summary>Describes the device.</summary>
    /// <returns>How it stands at this moment.</returns>
    [Alias("describe"), ReadOnly]
    ValueTask<DeviceDescription> DescribeAsync();

    /// <summary>Binds the device to the driver that serves it.</summary>
    /// <param name="ticket">Number of the operation, given by whoever asks; a repeat has the same.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("bind")]
    ValueTask BindAsync(int ticket);

    /// <summary>Unbinds the device.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("unbind")]
    ValueTask UnbindAsync(int ticket);

    /// <summary>Makes a domain for the device.</summary>
    /// <param name="ticket">Number of the operation; it answers the domain's address.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("allocate-domain")]
    ValueTask AllocateDomainAsync(int ticket);
}

/// <summary>An IOMMU instance.</summary>
[Alias("iommucluster.IIommuGrain"), GrainInterfaceType(GrainKeys.Names.Iommu)]
internal interface IIommuGrain : IMemoryGrain
{
    /// <summary>Describes the instance.</summary>
    /// <returns>How it stands at this moment.</returns>
    [Alias("describe"), ReadOnly]
    ValueTask<IommuDescription> DescribeAsync();
}

/// <summary>An IOMMU group.</summary>
[Alias("iommucluster.IGroupGrain"), GrainInterfaceType(GrainKeys.Names.Group)]
internal interface IGroupGrain : IMemoryGrain
{
    /// <summary>Describes the group.</summary>
    /// <returns>How it stands at this moment.</returns>
    [Alias("describe"), ReadOnly]
    ValueTask<GroupDescription> DescribeAsync();

    /// <summary>Attaches a domain to the group, on behalf of its only member.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <param name="domain">Address of the domain.</param>
    /// <param name="device">Number of the member.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("attach")]
    ValueTask AttachAsync(int ticket, ulong domain, int device);

    /// <summary>Detaches a domain from the group, on behalf of its only member.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <param name="domain">Address of the domain.</param>
    /// <param name="device">Number of the member.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("detach")]
    ValueTask DetachAsync(int ticket, ulong domain, int device);
}

/// <summary>An IOMMU domain with its page tables.</summary>
[Alias("iommucluster.IDomainGrain"), GrainInterfaceType(GrainKeys.Names.Domain)]
internal interface IDomainGrain : IMemoryGrain
{
    /// <summary>Describes the domain.</summary>
    /// <returns>How it stands at this moment.</returns>
    [Alias("describe"), ReadOnly]
    ValueTask<DomainDescription> DescribeAsync();

    /// <summary>Maps a page.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <param name="physical">Physical address, page aligned.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("map")]
    ValueTask MapAsync(int ticket, ulong iova, ulong physical);

    /// <summary>Unmaps a page.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("unmap")]
    ValueTask UnmapAsync(int ticket, ulong iova);

    /// <summary>Translates an address (Linux: <c>iommu_iova_to_phys</c>).</summary>
    /// <param name="ticket">Number of the operation; it answers the physical address, 0 where nothing is mapped.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("translate")]
    ValueTask TranslateAsync(int ticket, ulong iova);

    /// <summary>Frees the domain; nothing may be attached to it.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <returns>Completes when the operation is on its way.</returns>
    [Alias("free")]
    ValueTask FreeAsync(int ticket);
}

/// <summary>A SoC: its globals and RCU state, its virtual clock, and the order of its boot.</summary>
[Alias("iommucluster.ISocGrain"), GrainInterfaceType(GrainKeys.Names.Soc)]
internal interface ISocGrain : IMemoryGrain
{
    /// <summary>Begins the boot that the key names.</summary>
    /// <param name="order">What boots.</param>
    /// <param name="observer">Hears how it ended.</param>
    /// <returns>What the keys of the SoC's parts begin with.</returns>
    [Alias("begin")]
    ValueTask<string> BeginAsync(BootOrder order, IBootObserver observer);

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

    /// <summary>Ends the boot.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <param name="isLost">True when a part of the SoC is gone or cannot be reached; false for a fault of our own.</param>
    /// <returns>Completes at once.</returns>
    [Alias("fail")]
    ValueTask FailAsync(string failure, bool isLost);

    /// <summary>Starts an operation on a SoC that stays up: a thread on one of its CPUs.</summary>
    /// <param name="ticket">Number of the operation, given by whoever asks; a repeat has the same.</param>
    /// <param name="operation">The operation.</param>
    /// <returns>Completes at once.</returns>
    [Alias("operate")]
    ValueTask OperateAsync(int ticket, OperationMessage operation);

    /// <summary>Tells what an operation came to.</summary>
    /// <param name="ticket">Number of the operation.</param>
    /// <returns>The answer; null while it is under way or not known.</returns>
    [Alias("answer"), ReadOnly]
    ValueTask<OperationAnswer?> AnswerAsync(int ticket);

    /// <summary>Ends a SoC that stays up.</summary>
    /// <returns>Completes at once; the observer hears of the end.</returns>
    [Alias("stop")]
    ValueTask StopAsync();

    /// <summary>Tells how far the boot is, and looks whether all its CPUs are still there.</summary>
    /// <returns>How far.</returns>
    [Alias("status")]
    ValueTask<BootStatus> StatusAsync();
}

/// <summary>A CPU: runs kernel threads, each step a message to the grain that owns the word. Key: as an owner's, with cpu and a number.</summary>
[Alias("iommucluster.ICpuGrain"), GrainInterfaceType(GrainKeys.Names.Cpu)]
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

    /// <summary>Tells how far it is; a CPU that lost its threads joins its SoC anew, and is found out.</summary>
    /// <returns>Steps that its threads asked for so far.</returns>
    [Alias("ping"), ReadOnly]
    ValueTask<long> PingAsync();

    /// <summary>Stays, as an owner does.</summary>
    /// <returns>Completes at once.</returns>
    [Alias("stay")]
    ValueTask StayAsync();

    /// <summary>Lets the activation go: nobody asks any more.</summary>
    /// <returns>Nothing: one way.</returns>
    [Alias("let-go"), OneWay]
    ValueTask LetGoAsync();
}

/// <summary>Hears of a boot and of what becomes of operations.</summary>
[Alias("iommucluster.IBootObserver")]
internal interface IBootObserver : IGrainObserver
{
    /// <summary>The boot has ended.</summary>
    /// <param name="report">How.</param>
    /// <returns>Completes when it was heard.</returns>
    [Alias("ended")]
    ValueTask EndedAsync(BootReport report);

    /// <summary>The SoC that stays up is at rest: no thread is left.</summary>
    /// <returns>Completes when it was heard.</returns>
    [Alias("rests")]
    ValueTask RestsAsync();

    /// <summary>Asks whether the SoC that stays up is still wanted.</summary>
    /// <returns>False when it can go.</returns>
    [Alias("is-wanted")]
    ValueTask<bool> IsWantedAsync();

    /// <summary>An operation is over.</summary>
    /// <param name="ticket">Its number.</param>
    /// <param name="answer">What it came to.</param>
    /// <returns>Completes when it was heard.</returns>
    [Alias("answered")]
    ValueTask AnsweredAsync(int ticket, OperationAnswer answer);
}
