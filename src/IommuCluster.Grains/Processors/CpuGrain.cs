using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Grains.Placement;
using Orleans.Concurrency;
using Orleans.GrainDirectory;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Processors;

/// <summary>Gives a <see cref="Processors.Processor"/> an address in the cluster, and its messages their way.</summary>
/// <param name="registry">The boots that this silo knows.</param>
[Reentrant, SocPlacement, GrainDirectory(HomeDirectory.Name), GrainType(GrainKeys.Names.Cpu)]
internal sealed class CpuGrain(BootRegistry registry) : Grain, ICpuGrain, IProcessorLines
{
    private readonly Dictionary<ulong, IMemoryGrain> _owners = [];
    private string _boot = string.Empty;
    private string _parts = string.Empty;
    private Processor? _processor;
    private ISocGrain? _soc;

    private Processor Processor => _processor!; // Made before the first message is let in.

    private ISocGrain Soc => _soc!; // As above.

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        _boot = GrainKeys.BootOf(key);
        _parts = GrainKeys.PartsOf(key);
        _soc = GrainFactory.Soc(_boot);
        var order = await GrainFactory.JoinAsync(_boot, new SocPart(Kind: null, GrainKeys.IndexOf(key)), GrainContext);
        _processor = new Processor(registry.Open(_boot, order), this);
        if (order.StaysUp)
        {
            await StayAsync();
        }
    }

    /// <summary>Where the directory's part that knew it is lost, the cluster takes an activation down that is well: its threads end there, and the SoC is told.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _processor?.Stop();
        if (Delivery.LeavesOthers(reason))
        {
            await Delivery.SendAsync(() => Soc.FailAsync($"{GrainContext.GrainId}: {reason.Description}", isLost: true)).WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask StartAsync(ThreadOrder order)
    {
        Processor.Start(order);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask GoAsync(int thread, int sequence)
    {
        Processor.Go(thread, sequence);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask GrantAsync(Grant grant) => Processor.GrantAsync(grant);

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<WaiterMessage>> WaitersAsync() => ValueTask.FromResult(Processor.Waiters());

    /// <inheritdoc/>
    public async ValueTask<CpuSummary> EndAsync() => await Processor.EndAsync();

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<SiteMessage>> SitesAsync(ImmutableArray<int> sites) => ValueTask.FromResult(Processor.Describe(sites));

    /// <inheritdoc/>
    public ValueTask<long> PingAsync() => ValueTask.FromResult(Processor.Steps);

    /// <inheritdoc/>
    public ValueTask StayAsync()
    {
        DelayDeactivation(Tenure.Length);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask LetGoAsync()
    {
        Processor.Stop();
        registry.Remove(_boot);
        DeactivateOnIdle();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<StepReply> StepAsync(StepMessage step) => OwnerOf(step.Base).StepAsync(step);

    /// <inheritdoc/>
    public async ValueTask ReportAsync(ThreadReport report) => await Delivery.SendAsync(() => Soc.ReportAsync(report));

    /// <inheritdoc/>
    public Task<ImmutableArray<FindingMessage>> LearnAsync(WaitMessage step, ImmutableArray<LockEdgeMessage> edges) =>
        Delivery.AskAsync(() => GrainFactory.LockGraph(Processor.LockGraph).LearnAsync($"{_boot}/{step.Thread}/{step.Sequence}", edges));

    private IMemoryGrain OwnerOf(ulong address)
    {
        var owner = GrainKeys.OwnerBits(address);
        if (!_owners.TryGetValue(owner, out var grain))
        {
            _owners.Add(owner, grain = GrainFactory.OwnerOf(_parts, address));
        }

        return grain;
    }
}
