using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Checking;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Locking;
using IommuCluster.Grains.Messaging;
using IommuCluster.Grains.Placement;
using IommuCluster.Grains.Telemetry;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using Orleans.Concurrency;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Memory;

/// <summary>Gives a SoC's globals and the control of its boot an address in the cluster, and carries the control's orders out.</summary>
/// <param name="registry">The boots that this silo knows.</param>
[Reentrant, SocPlacement, GrainType(GrainKeys.Names.Soc)]
internal sealed class SocGrain(BootRegistry registry) : MemoryGrain, ISocGrain
{
    private readonly ReportOrder _order = new();
    private readonly FindingList _findings = new();
    private readonly Dictionary<SocPart, string> _parts = [];
    private readonly Dictionary<int, int> _threads = []; // The thread of each operation, by ticket.
    private readonly Dictionary<int, OperationAnswer> _answers = [];
    private SocMemory? _memory;
    private IBootControl? _control;
    private BootOrder? _boot;
    private IBootObserver? _observer;
    private IGrainTimer? _tenure;
    private BootReport? _report;
    private string? _failure;
    private bool _isLost;
    private bool _isAtRest;
    private bool _isAdvancing;
    private bool _hasEnded;

    /// <inheritdoc/>
    protected override HomeMemory Memory => _memory ?? throw new InvalidOperationException($"No boot named '{BootName}' is under way here; if one was, it is lost.");

    private ICpuGrain[] Cpus => [.. from part in _parts.Keys where part.Kind is null select GrainFactory.Cpu(Parts, part.Index)];

    private IMemoryGrain[] Owners => [.. from part in _parts.Keys where part.Kind is not null select GrainFactory.Owner(Parts, new Home(part.Kind.GetValueOrDefault(), part.Index))];

    /// <inheritdoc/>
    public ValueTask<string> BeginAsync(BootOrder order, IBootObserver observer)
    {
        if (_control is null)
        {
            _control = registry.Open(BootName, order).CreateControl(BootName);
            _memory = new SocMemory(_control);
            _boot = order;
            _observer = observer;
            KeepUp();
            _ = AdvanceAsync();
        }

        return ValueTask.FromResult(Parts);
    }

    /// <inheritdoc/>
    public ValueTask<BootOrder?> JoinAsync(SocPart part, string activation)
    {
        if (_boot is not null && !_parts.TryAdd(part, activation) && _parts[part] != activation)
        {
            Fail($"{part} was there before and has come again without its memory.", isLost: true);
        }

        return ValueTask.FromResult(_isLost ? null : _boot);
    }

    /// <inheritdoc/>
    public ValueTask ReportAsync(ThreadReport report)
    {
        foreach (var next in _order.Arrived(report))
        {
            if (!_hasEnded && _control is not null)
            {
                _findings.Note(next.Findings);
                _failure ??= next.Failure;
                _isLost |= next.IsLost;
                _control.Take(next);
                Answer(next);
            }
        }

        _ = AdvanceAsync();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    ValueTask ISocGrain.FailAsync(string failure, bool isLost)
    {
        Fail(failure, isLost);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask OperateAsync(int ticket, OperationMessage operation)
    {
        if (_threads.ContainsKey(ticket) || _answers.ContainsKey(ticket))
        {
            return ValueTask.CompletedTask; // It was here before.
        }

        if (_control?.Operate(operation) is { } thread)
        {
            _threads.Add(ticket, thread);
            _isAtRest = false;
        }
        else
        {
            Answer(ticket, new OperationAnswer(Errno.None, IsBroken: true));
        }

        _ = AdvanceAsync();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<OperationAnswer?> AnswerAsync(int ticket) => ValueTask.FromResult(_answers.GetValueOrDefault(ticket));

    /// <inheritdoc/>
    public ValueTask StopAsync()
    {
        _control?.Stop();
        _ = AdvanceAsync();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override async ValueTask StayAsync()
    {
        if (_control is null || _hasEnded)
        {
            return;
        }

        await base.StayAsync();
        if (await IsWantedAsync())
        {
            await Task.WhenAll([.. Cpus.Select(cpu => SendAsync(cpu.StayAsync)), .. Owners.Select(owner => SendAsync(owner.StayAsync))]);
        }
        else
        {
            await StopAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<BootStatus> StatusAsync()
    {
        if (_control is null)
        {
            return new BootStatus(BootPhase.Unknown);
        }

        var steps = 0L;
        if (!_hasEnded)
        {
            await Task.WhenAll(Cpus.Select(cpu => SendAsync(async () =>
            {
                var asked = await cpu.PingAsync(); // One that lost its threads joins anew and is refused.
                steps += asked; // In one expression the sum would be read before the wait, and lose what others add meanwhile.
            })));
        }

        return new BootStatus(_report is not null ? BootPhase.Ended : _isAtRest ? BootPhase.AtRest : BootPhase.Running, _report, steps);
    }

    /// <inheritdoc/>
    public override ValueTask<StateMessage> EndAsync() => ValueTask.FromResult(StateMessage.Of(Memory.Fingerprint(withRcu: true)));

    /// <summary>Whoever asks from now on is told that it is lost; so is who waits for its end, if there is still time to tell.</summary>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_report is null)
        {
            Fail($"{GrainContext.GrainId}: {reason.Description}", isLost: true);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override Task FailAsync(string failure, bool isLost)
    {
        Fail(failure, isLost);
        return Task.CompletedTask;
    }

    /// <summary>All parts come to be beside the SoC.</summary>
    /// <returns>What their keys begin with.</returns>
    protected override string FindParts() => GrainKeys.PartsAt(BootName, GrainContext.Address.SiloAddress!); // An activation is on a silo.

    private void Fail(Exception failure) => Fail(failure.ToString(), Delivery.IsOfTheWay(failure));

    private void Fail(string failure, bool isLost)
    {
        _failure ??= failure;
        _isLost |= isLost;
        _ = AdvanceAsync();
    }

    /// <summary>Sees to it that a SoC that stays up is not taken for idle.</summary>
    private void KeepUp()
    {
        if (_boot!.StaysUp) // Set by the message that began the boot; here and below.
        {
            DelayDeactivation(Tenure.Length);
            _tenure = this.RegisterGrainTimer(static (soc, _) => soc.StayAsync().AsTask(), this, new GrainTimerCreationOptions(Tenure.Renewal, Tenure.Renewal) { Interleave = true, KeepAlive = true });
        }
    }

    private async Task<bool> IsWantedAsync()
    {
        try
        {
            return await Delivery.AskAsync(_observer!.IsWantedAsync);
        }
        catch (Exception away) when (Delivery.IsOfTheWay(away))
        {
            return false; // Whoever had it booted is gone.
        }
    }

    /// <summary>Tells what became of an operation whose thread is gone.</summary>
    private void Answer(ThreadReport report)
    {
        if (report.Event is ThreadEvent.Blocked or ThreadEvent.Announced || !_threads.ContainsValue(report.Thread))
        {
            return;
        }

        var ticket = _threads.First(pair => pair.Value == report.Thread).Key;
        _threads.Remove(ticket);
        Answer(ticket, report.Answer ?? new OperationAnswer(Errno.None, IsBroken: true));
    }

    private void Answer(int ticket, OperationAnswer answer)
    {
        _answers[ticket] = answer;
        _ = SendAsync(() => _observer?.AnsweredAsync(ticket, answer) ?? ValueTask.CompletedTask);
    }

    /// <summary>Does what the control says; a report that comes in between is heeded by the round under way.</summary>
    private async Task AdvanceAsync()
    {
        if (_isAdvancing || _control is null)
        {
            return;
        }

        _isAdvancing = true;
        while (!_hasEnded && NextAction() is { } action)
        {
            try
            {
                await DoAsync(action);
            }
#pragma warning disable CA1031 // Whatever went wrong ends the boot, and whoever asked for it is told.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Fail(failure);
            }
        }

        _isAdvancing = false;
    }

    private BootAction? NextAction() => _failure is null ? _control!.Next() : new EndAction(ScheduleEnd.Abandoned);

    private async ValueTask DoAsync(BootAction action)
    {
        switch (action)
        {
            case StartAction start:
                _ = SendAsync(() => GrainFactory.Cpu(Parts, start.Order.Cpu).StartAsync(start.Order));
                break;
            case GoAction go:
                _ = SendAsync(() => GrainFactory.Cpu(Parts, go.Step.Cpu).GoAsync(go.Step.Thread, go.Step.Sequence));
                break;
            case WakeAction wake:
                _ = SendAsync(() => GrainFactory.Cpu(Parts, wake.Grant.Cpu).GrantAsync(wake.Grant));
                break;
            case AskAction ask:
                _control!.Answered(ask, await Delivery.AskAsync(() => GrainFactory.OwnerOf(Parts, ask.Step.Base).CanProceedAsync(ask.Step)));
                break;
            case RestAction:
                _isAtRest = true;
                _ = SendAsync(() => _observer!.RestsAsync()); // Set by the message that began the boot.
                break;
            case EndAction end:
                _hasEnded = true;
                await FinishAsync(end.End);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"No way to do {action}.");
        }
    }

    /// <summary>Sends an order on its way; the round goes on meanwhile, so that threads start together.</summary>
    private async Task SendAsync(Func<ValueTask> call)
    {
        try
        {
            await Delivery.SendAsync(call);
        }
#pragma warning disable CA1031 // Whatever went wrong ends the boot, and whoever asked for it is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Fail(failure);
        }
    }

    private async ValueTask FinishAsync(ScheduleEnd end)
    {
        var report = new BootReport(end, [], default, 0, _failure, _isLost);
        if (_failure is null)
        {
            try
            {
                report = await SumUpAsync(end);
            }
#pragma warning disable CA1031 // Whoever asked for the boot is told.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                report = report with { Failure = failure.ToString(), IsLost = Delivery.IsOfTheWay(failure) };
            }
        }

        report = report with { IsLost = _isLost || report.IsLost };
        foreach (var ticket in _threads.Keys)
        {
            Answer(ticket, new OperationAnswer(Errno.None, IsBroken: true));
        }

        _tenure?.Dispose();
        await LetGoPartsAsync();
        await TellAsync(report);
    }

    private async Task<BootReport> SumUpAsync(ScheduleEnd end)
    {
        if (end == ScheduleEnd.Stuck)
        {
            _findings.Note([FindingMessage.Of(await ExplainAsync())]);
        }

        var summaries = await Task.WhenAll(Cpus.Select(cpu => Delivery.AskAsync(cpu.EndAsync)));
        foreach (var summary in summaries)
        {
            _findings.Note(summary.Findings);
        }

        _findings.Note(await LearnAsync([.. summaries.SelectMany(summary => summary.Edges)]));
        _findings.Note(await new RaceTeller(GrainFactory, Parts).TellAsync(summaries.SelectMany(summary => summary.Races)));
        var states = await Task.WhenAll(Owners.Select(owner => Delivery.AskAsync(owner.EndAsync)));
        var state = states.Aggregate(Memory.Fingerprint(withRcu: true), (sum, next) => sum.Plus(next.ToHash()));
        if (end == ScheduleEnd.Completed && registry.Instruments.HearsProbes && registry.Open(BootName, _boot!).Workload.Machine is { } machine) // Begun, so there is an order.
        {
            registry.Instruments.Probed(await new ProbeTeller(GrainFactory, Parts).TellAsync(machine, _parts.Keys));
        }

        var switches = summaries.Aggregate(0UL, (all, summary) => all | summary.Switches);
        return new BootReport(end, _findings.ToImmutable(), StateMessage.Of(state), summaries.Sum(summary => summary.Steps), _failure, Switches: switches);
    }

    /// <summary>Looks for locks that were taken in orders that contradict each other, within the boot or all boots that share a graph.</summary>
    private async ValueTask<ImmutableArray<FindingMessage>> LearnAsync(ImmutableArray<LockEdgeMessage> edges) =>
        edges.IsEmpty ? []
        : _boot!.LockGraph is { } graph ? await Delivery.AskAsync(() => GrainFactory.LockGraph(graph).LearnAsync(BootName, edges)) // Set by the message that began the boot.
        : new SharedLockGraph().Learn(BootName, edges);

    /// <summary>Lets all grains go. One way: nobody waits for them.</summary>
    private async ValueTask LetGoPartsAsync()
    {
        registry.Remove(BootName);
        foreach (var cpu in Cpus)
        {
            await cpu.LetGoAsync();
        }

        foreach (var owner in Owners)
        {
            await owner.LetGoAsync();
        }
    }

    /// <summary>Tells the observer, and goes. Where it cannot be told, the SoC stays to be asked: not before, since who was answered listens no more.</summary>
    private async Task TellAsync(BootReport report)
    {
        try
        {
            await _observer!.EndedAsync(report); // Set by the message that began the boot.
            DeactivateOnIdle();
        }
        catch (Exception away) when (Delivery.IsOfTheWay(away))
        {
        }
        finally
        {
            _report = report;
        }
    }

    private async Task<Finding> ExplainAsync()
    {
        var waiters = new List<Waiter>();
        foreach (var cpu in Cpus)
        {
            waiters.AddRange((await Delivery.AskAsync(cpu.WaitersAsync)).Select(WaiterMessages.Unwrap));
        }

        var words = new Dictionary<Address, ulong?>();
        foreach (var at in waiters.Select(waiter => waiter.At).Distinct())
        {
            words[at] = await Delivery.AskAsync(() => GrainFactory.OwnerOf(Parts, at.Value).PeekAsync(at.Value));
        }

        return new WaitGraph([.. waiters.OrderBy(waiter => waiter.Slot)], at => words[at]).Explain().Finding;
    }
}
