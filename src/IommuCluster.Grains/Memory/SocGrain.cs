using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Placement;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using Orleans.Concurrency;

namespace IommuCluster.Grains.Memory;

/// <summary>Gives a SoC's globals and the control of its boot an address in the cluster, and carries the control's orders out.</summary>
[Reentrant, SocPlacement]
internal sealed class SocGrain : MemoryGrain, ISocGrain
{
    private readonly IBootControl _control;
    private readonly ReportOrder _order = new();
    private readonly List<FindingMessage> _findings = [];
    private readonly HashSet<int> _cpus = [];
    private IBootObserver? _observer;
    private string? _failure;
    private bool _isAdvancing;
    private bool _hasEnded;

    /// <summary>Makes the SoC of a boot that this silo knows.</summary>
    public SocGrain(BootRegistry registry, IGrainContext context)
    {
        var name = GrainKeys.BootOf(context.GrainId.Key.ToString()!); // Keys are strings.
        _control = registry.TryFind(name, out var boot) ? boot.CreateControl() : throw new InvalidOperationException($"This silo knows no boot named '{name}'.");
        Memory = new SocMemory(_control);
    }

    /// <inheritdoc/>
    protected override HomeMemory Memory { get; }

    /// <inheritdoc/>
    public ValueTask BeginAsync(IBootObserver observer)
    {
        _observer = observer;
        return AdvanceAsync();
    }

    /// <inheritdoc/>
    public ValueTask ReportAsync(ThreadReport report)
    {
        foreach (var next in _order.Arrived(report))
        {
            if (!_hasEnded)
            {
                Note(next.Findings);
                _failure ??= next.Failure;
                _control.Take(next);
            }
        }

        return AdvanceAsync();
    }

    /// <summary>Does what the control says; a report that comes in between is heeded by the round under way.</summary>
    private async ValueTask AdvanceAsync()
    {
        if (_isAdvancing)
        {
            return;
        }

        _isAdvancing = true;
        while (!_hasEnded && _control.Next() is { } action)
        {
            await DoAsync(action);
        }

        _isAdvancing = false;
    }

    private async ValueTask DoAsync(BootAction action)
    {
        switch (action)
        {
            case StartAction start:
                _cpus.Add(start.Order.Cpu);
                await GrainFactory.Cpu(BootName, start.Order.Cpu).StartAsync(start.Order);
                break;
            case GoAction go:
                await GrainFactory.Cpu(BootName, go.Step.Cpu).GoAsync(go.Step.Thread, go.Step.Sequence);
                break;
            case WakeAction wake:
                await GrainFactory.Cpu(BootName, wake.Grant.Cpu).GrantAsync(wake.Grant);
                break;
            case AskAction ask:
                _control.Answered(ask, await GrainFactory.OwnerOf(BootName, ask.Step.Base).CanProceedAsync(ask.Step));
                break;
            case EndAction end:
                _hasEnded = true;
                await FinishAsync(end.End);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"No way to do {action}.");
        }
    }

    private async ValueTask FinishAsync(ScheduleEnd end)
    {
        if (end == ScheduleEnd.Stuck)
        {
            Note([FindingMessage.Of(await ExplainAsync())]);
        }

        var steps = 0L;
        var homes = new HashSet<HomeMessage>();
        foreach (var cpu in _cpus)
        {
            var summary = await GrainFactory.Cpu(BootName, cpu).EndAsync();
            steps += summary.Steps;
            homes.UnionWith(summary.Homes);
            Note(summary.Findings);
        }

        var state = Memory.Fingerprint(withRcu: true);
        foreach (var home in homes.Where(home => home.Kind != HomeKind.Soc))
        {
            state = state.Plus((await GrainFactory.Owner(BootName, new Home(home.Kind, home.Index)).EndAsync()).ToHash());
        }

        _observer?.Ended(new BootReport(end, [.. _findings], StateMessage.Of(state), steps, _failure));
        DeactivateOnIdle();
    }

    private async ValueTask<Finding> ExplainAsync()
    {
        var waiters = new List<Waiter>();
        foreach (var cpu in _cpus)
        {
            waiters.AddRange((await GrainFactory.Cpu(BootName, cpu).WaitersAsync()).Select(WaiterMessages.Unwrap));
        }

        var words = new Dictionary<Address, ulong?>();
        foreach (var at in waiters.Select(waiter => waiter.At).Distinct())
        {
            words[at] = await GrainFactory.OwnerOf(BootName, at.Value).PeekAsync(at.Value);
        }

        return new WaitGraph([.. waiters.OrderBy(waiter => waiter.Slot)], at => words[at]).Explain().Finding;
    }

    private void Note(ImmutableArray<FindingMessage> findings)
    {
        foreach (var finding in findings)
        {
            if (!_findings.Exists(known => known.ToFinding().IsSameAs(finding.ToFinding())))
            {
                _findings.Add(finding);
            }
        }
    }
}
