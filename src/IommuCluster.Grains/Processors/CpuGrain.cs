using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Placement;
using Orleans.Concurrency;

namespace IommuCluster.Grains.Processors;

/// <summary>Gives a <see cref="Processor"/> an address in the cluster, and its messages their way.</summary>
[Reentrant, SocPlacement]
internal sealed class CpuGrain : Grain, ICpuGrain, IProcessorLines
{
    private readonly string _boot;
    private readonly Processor? _processor;
    private readonly Dictionary<ulong, IMemoryGrain> _owners = [];
    private ISocGrain? _soc;

    /// <summary>Makes a CPU of a boot that this silo knows. Where the boot is over, all that still comes is dropped.</summary>
    public CpuGrain(BootRegistry registry, IGrainContext context)
    {
        _boot = GrainKeys.BootOf(context.GrainId.Key.ToString()!); // Keys are strings.
        _processor = registry.TryFind(_boot, out var boot) ? new Processor(boot, this) : null;
    }

    /// <inheritdoc/>
    public ValueTask StartAsync(ThreadOrder order)
    {
        _processor?.Start(order);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask GoAsync(int thread, int sequence)
    {
        _processor?.Go(thread, sequence);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask GrantAsync(Grant grant) => _processor?.GrantAsync(grant) ?? ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<WaiterMessage>> WaitersAsync() => ValueTask.FromResult(_processor?.Waiters() ?? []);

    /// <inheritdoc/>
    public async ValueTask<CpuSummary> EndAsync()
    {
        var summary = _processor is null ? new CpuSummary(0, [], []) : await _processor.EndAsync();
        DeactivateOnIdle();
        return summary;
    }

    /// <inheritdoc/>
    public ValueTask<StepReply> StepAsync(StepMessage step) => OwnerOf(step.Base).StepAsync(step);

    /// <inheritdoc/>
    public ValueTask ReportAsync(ThreadReport report) => (_soc ??= GrainFactory.Soc(_boot)).ReportAsync(report);

    private IMemoryGrain OwnerOf(ulong address)
    {
        // All addresses of an owner have their upper bits in common; what is no address has an owner of its own here.
        const int HomeShift = 42;
        if (!_owners.TryGetValue(address >> HomeShift, out var owner))
        {
            _owners.Add(address >> HomeShift, owner = GrainFactory.OwnerOf(_boot, address));
        }

        return owner;
    }
}
