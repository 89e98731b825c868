using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Grains.Placement;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using Orleans.Concurrency;
using Orleans.GrainDirectory;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Memory;

/// <summary>An owner that comes to be by the first step on it, and joins its SoC then.</summary>
internal abstract class OwnerGrain(HomeKind kind) : MemoryGrain
{
    /// <inheritdoc/>
    protected sealed override HomeMemory Memory { get; } = new();

    /// <summary>Which one it is.</summary>
    protected int Number => GrainKeys.IndexOf(this.GetPrimaryKeyString());

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if ((await GrainFactory.JoinAsync(BootName, new SocPart(kind, Number), GrainContext)).StaysUp)
        {
            await StayAsync();
        }
    }

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        Delivery.LeavesOthers(reason) ? FailAsync($"{GrainContext.GrainId}: {reason.Description}", isLost: true).WaitAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>Hands an operation to the SoC, which has the threads.</summary>
    protected async ValueTask OperateAsync(int ticket, OperationMessage operation) =>
        await Delivery.SendAsync(() => GrainFactory.Soc(BootName).OperateAsync(ticket, operation));
}

/// <summary>A device with its <c>dev_iommu</c> and fwspec.</summary>
[Reentrant, SocPlacement, GrainDirectory(HomeDirectory.Name), GrainType(GrainKeys.Names.Device)]
internal sealed class DeviceGrain() : OwnerGrain(HomeKind.Device), IDeviceGrain
{
    /// <inheritdoc/>
    public ValueTask<DeviceDescription> DescribeAsync()
    {
        var view = Memory.Look(bank => HomeCensus.Device(bank, Number));
        return ValueTask.FromResult(new DeviceDescription(view.IsBound, view.Driver, view.Group.Value, view.HasIommu));
    }

    /// <inheritdoc/>
    public ValueTask BindAsync(int ticket) => OperateAsync(ticket, new OperationMessage(OperationKind.Bind, Number));

    /// <inheritdoc/>
    public ValueTask UnbindAsync(int ticket) => OperateAsync(ticket, new OperationMessage(OperationKind.Unbind, Number));

    /// <inheritdoc/>
    public ValueTask AllocateDomainAsync(int ticket) => OperateAsync(ticket, new OperationMessage(OperationKind.AllocateDomain, Number));
}

/// <summary>An IOMMU instance.</summary>
[Reentrant, SocPlacement, GrainDirectory(HomeDirectory.Name), GrainType(GrainKeys.Names.Iommu)]
internal sealed class IommuGrain() : OwnerGrain(HomeKind.Iommu), IIommuGrain
{
    /// <inheritdoc/>
    public ValueTask<IommuDescription> DescribeAsync()
    {
        var view = Memory.Look(HomeCensus.Iommu);
        return ValueTask.FromResult(new IommuDescription(view.IsRegistered, view.Instance.Value));
    }
}

/// <summary>An IOMMU group.</summary>
[Reentrant, SocPlacement, GrainDirectory(HomeDirectory.Name), GrainType(GrainKeys.Names.Group)]
internal sealed class GroupGrain() : OwnerGrain(HomeKind.Group), IGroupGrain
{
    /// <inheritdoc/>
    public ValueTask<GroupDescription> DescribeAsync()
    {
        var view = Memory.Look(HomeCensus.Group);
        return ValueTask.FromResult(new GroupDescription(view.References, view.DefaultDomain.Value, view.Domain.Value, view.OwnerCount));
    }

    /// <inheritdoc/>
    public ValueTask AttachAsync(int ticket, ulong domain, int device) => OperateAsync(ticket, new OperationMessage(OperationKind.Attach, device, domain));

    /// <inheritdoc/>
    public ValueTask DetachAsync(int ticket, ulong domain, int device) => OperateAsync(ticket, new OperationMessage(OperationKind.Detach, device, domain));
}

/// <summary>An IOMMU domain with its page tables.</summary>
[Reentrant, SocPlacement, GrainDirectory(HomeDirectory.Name), GrainType(GrainKeys.Names.Domain)]
internal sealed class DomainGrain() : OwnerGrain(HomeKind.Domain), IDomainGrain
{
    private ulong Address => Memory.Look(HomeCensus.Self).Value;

    /// <inheritdoc/>
    public ValueTask<DomainDescription> DescribeAsync()
    {
        var view = Memory.Look(HomeCensus.Domain);
        return ValueTask.FromResult(new DomainDescription(view.Type, view.MappedPages));
    }

    /// <inheritdoc/>
    public ValueTask MapAsync(int ticket, ulong iova, ulong physical) => OperateAsync(ticket, new OperationMessage(OperationKind.Map, 0, Address, iova, physical));

    /// <inheritdoc/>
    public ValueTask UnmapAsync(int ticket, ulong iova) => OperateAsync(ticket, new OperationMessage(OperationKind.Unmap, 0, Address, iova));

    /// <inheritdoc/>
    public ValueTask TranslateAsync(int ticket, ulong iova) => OperateAsync(ticket, new OperationMessage(OperationKind.Translate, 0, Address, iova));

    /// <inheritdoc/>
    public ValueTask FreeAsync(int ticket) => OperateAsync(ticket, new OperationMessage(OperationKind.FreeDomain, 0, Address));
}
