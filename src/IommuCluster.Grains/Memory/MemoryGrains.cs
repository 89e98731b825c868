using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Grains.Placement;
using IommuCluster.Kernel.Memory;
using Orleans.Concurrency;
using CancellationToken = System.Threading.CancellationToken;

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
    public ValueTask<StepReply> StepAsync(StepMessage step)
    {
        var reply = Memory.Step(step);
        foreach (var grant in Memory.TakeGrants())
        {
            _ = DeliverAsync(grant); // A message of its own; who gave the lock back does not wait for it.
        }

        return ValueTask.FromResult(reply);
    }

    /// <inheritdoc/>
    public ValueTask<bool> CanProceedAsync(StepMessage step) => ValueTask.FromResult(Memory.CanProceed(step));

    /// <inheritdoc/>
    public ValueTask<ulong?> PeekAsync(ulong address) => ValueTask.FromResult(Memory.Peek(new Address(address)));

    /// <inheritdoc/>
    public virtual ValueTask<StateMessage> EndAsync() => ValueTask.FromResult(StateMessage.Of(Memory.Fingerprint(withRcu: false)));

    /// <inheritdoc/>
    public ValueTask LetGoAsync()
    {
        DeactivateOnIdle();
        return ValueTask.CompletedTask;
    }

    /// <summary>Tells the boot that it cannot go on.</summary>
    /// <param name="failure">Why.</param>
    protected virtual Task FailAsync(Exception failure) => Delivery.SendAsync(() => GrainFactory.Soc(BootName).FailAsync(failure.ToString()));

    private async Task DeliverAsync(Grant grant)
    {
        try
        {
            await Delivery.SendAsync(() => GrainFactory.Cpu(BootName, grant.Cpu).GrantAsync(grant));
        }
#pragma warning disable CA1031 // Whatever went wrong ends the boot, and whoever asked for it is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            await FailAsync(failure);
        }
    }
}

/// <summary>An owner that comes to be by the first step on it, and joins its SoC then.</summary>
internal abstract class OwnerGrain(HomeKind kind) : MemoryGrain
{
    /// <inheritdoc/>
    protected sealed override HomeMemory Memory { get; } = new();

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var part = new SocPart(kind, GrainKeys.IndexOf(this.GetPrimaryKeyString()));
        await GrainFactory.JoinAsync(BootName, part, GrainContext);
    }
}

/// <summary>A device with its <c>dev_iommu</c> and fwspec.</summary>
[Reentrant, SocPlacement]
internal sealed class DeviceGrain() : OwnerGrain(HomeKind.Device), IDeviceGrain;

/// <summary>An IOMMU instance.</summary>
[Reentrant, SocPlacement]
internal sealed class IommuGrain() : OwnerGrain(HomeKind.Iommu), IIommuGrain;

/// <summary>An IOMMU group.</summary>
[Reentrant, SocPlacement]
internal sealed class GroupGrain() : OwnerGrain(HomeKind.Group), IGroupGrain;

/// <summary>An IOMMU domain with its page tables.</summary>
[Reentrant, SocPlacement]
internal sealed class DomainGrain() : OwnerGrain(HomeKind.Domain), IDomainGrain;
