using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Placement;
using IommuCluster.Kernel.Memory;
using Orleans.Concurrency;

namespace IommuCluster.Grains.Memory;

/// <summary>Gives an owner's <see cref="HomeMemory"/> an address in the cluster. Knows no rule of the kernel.</summary>
internal abstract class MemoryGrain : Grain, IMemoryGrain
{
    private string? _boot;

    /// <summary>The memory.</summary>
    protected abstract HomeMemory Memory { get; }

    /// <summary>The boot that the grain belongs to.</summary>
    protected string BootName => _boot ??= GrainKeys.BootOf(this.GetPrimaryKeyString());

    /// <inheritdoc/>
    public async ValueTask<StepReply> StepAsync(StepMessage step)
    {
        var reply = Memory.Step(step);
        foreach (var grant in Memory.TakeGrants())
        {
            await GrainFactory.Cpu(BootName, grant.Cpu).GrantAsync(grant); // One way: completes when it is sent.
        }

        return reply;
    }

    /// <inheritdoc/>
    public ValueTask<bool> CanProceedAsync(StepMessage step) => ValueTask.FromResult(Memory.CanProceed(step));

    /// <inheritdoc/>
    public ValueTask<ulong?> PeekAsync(ulong address) => ValueTask.FromResult(Memory.Peek(new Address(address)));

    /// <inheritdoc/>
    public ValueTask<StateMessage> EndAsync()
    {
        DeactivateOnIdle();
        return ValueTask.FromResult(StateMessage.Of(Memory.Fingerprint(withRcu: false)));
    }
}

/// <summary>A device with its <c>dev_iommu</c> and fwspec.</summary>
[Reentrant, SocPlacement]
internal sealed class DeviceGrain : MemoryGrain, IDeviceGrain
{
    /// <inheritdoc/>
    protected override HomeMemory Memory { get; } = new();
}

/// <summary>An IOMMU instance.</summary>
[Reentrant, SocPlacement]
internal sealed class IommuGrain : MemoryGrain, IIommuGrain
{
    /// <inheritdoc/>
    protected override HomeMemory Memory { get; } = new();
}

/// <summary>An IOMMU group.</summary>
[Reentrant, SocPlacement]
internal sealed class GroupGrain : MemoryGrain, IGroupGrain
{
    /// <inheritdoc/>
    protected override HomeMemory Memory { get; } = new();
}

/// <summary>An IOMMU domain with its page tables.</summary>
[Reentrant, SocPlacement]
internal sealed class DomainGrain : MemoryGrain, IDomainGrain
{
    /// <inheritdoc/>
    protected override HomeMemory Memory { get; } = new();
}
