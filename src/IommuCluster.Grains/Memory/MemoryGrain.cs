using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Memory;

/// <summary>Gives an owner's <see cref="HomeMemory"/> an address in the cluster. Knows no rule of the kernel.</summary>
internal abstract class MemoryGrain : Grain, IMemoryGrain
{
    private string? _boot;
    private string? _parts;

    /// <summary>The memory.</summary>
    protected abstract HomeMemory Memory { get; }

    /// <summary>The boot that the grain belongs to.</summary>
    protected string BootName => _boot ??= GrainKeys.BootOf(this.GetPrimaryKeyString());

    /// <summary>What the keys of the SoC's parts begin with.</summary>
    protected string Parts => _parts ??= FindParts();

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
    public virtual ValueTask StayAsync()
    {
        DelayDeactivation(Tenure.Length);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask LetGoAsync()
    {
        DeactivateOnIdle();
        return ValueTask.CompletedTask;
    }

    /// <summary>Tells the boot that it cannot go on.</summary>
    /// <param name="failure">Why.</param>
    /// <param name="isLost">True when a part of the SoC is gone or cannot be reached.</param>
    protected virtual Task FailAsync(string failure, bool isLost) => Delivery.SendAsync(() => GrainFactory.Soc(BootName).FailAsync(failure, isLost));

    /// <summary>Finds what the keys of the SoC's parts begin with.</summary>
    /// <returns>What a part's own key begins with.</returns>
    protected virtual string FindParts() => GrainKeys.PartsOf(this.GetPrimaryKeyString());

    private async Task DeliverAsync(Grant grant)
    {
        try
        {
            await Delivery.SendAsync(() => GrainFactory.Cpu(Parts, grant.Cpu).GrantAsync(grant));
        }
#pragma warning disable CA1031 // Whatever went wrong ends the boot, and whoever asked for it is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            await FailAsync(failure.ToString(), Delivery.IsOfTheWay(failure));
        }
    }
}
