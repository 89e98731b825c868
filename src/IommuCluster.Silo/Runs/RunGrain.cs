using IommuCluster.Grains.Telemetry;
using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Storage;
using CancellationToken = System.Threading.CancellationToken;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

namespace IommuCluster.Silo.Runs;

/// <summary>
/// Gives a run's <see cref="RunLedger"/> an address in the cluster, hands its slices out and keeps its books. A slice is
/// asked again and again how far it is, so that one whose silo was lost begins anew on another; the books count it once.
/// </summary>
[Reentrant]
internal sealed partial class RunGrain(
    [PersistentState("run", SiloStorage.Name)] IPersistentState<RunState> state,
    OrderReader orders,
    SiloSettings settings,
    ClusterInstruments instruments,
    TimeProvider clock,
    ILogger<RunGrain> logger) : Grain, IRunGrain, IDisposable
{
    /// <summary>A slice that is not done in so many attempts ends the run.</summary>
    private const int MaxAttempts = 5;

    private static readonly TimeSpan s_watch = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_awake = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _leaving = new();
    private RunLedger? _ledger;
    private Task _pumps = Task.CompletedTask;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _looked;
    private bool _isSaving;
    private bool _isUnsaved;

    private string Id => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken) =>
        state.State.Record is { } record ? OpenAsync(record) : Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _leaving.CancelAsync();
        Announce();
        await _pumps.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task BeginAsync(RunOrder order)
    {
        if (_ledger is null)
        {
            await OpenAsync(RunLedger.Begin(order, orders.Read(order)));
        }
    }

    /// <inheritdoc/>
    public async Task<RunStatus?> WatchAsync(long known)
    {
        if (_ledger is { IsOver: false } ledger && ledger.Record.Version == known && !_leaving.IsCancellationRequested)
        {
            await Task.WhenAny(_news.Task, Task.Delay(s_watch, clock));
        }

        return _ledger?.Status(Id);
    }

    /// <inheritdoc/>
    public Task<RunOrder?> OrderAsync() => Task.FromResult(_ledger?.Record.Order);

    /// <inheritdoc/>
    public async Task<RunStatus?> StopAsync()
    {
        if (_ledger is { IsOver: false } ledger)
        {
            ledger.Stop();
            await SaveAsync();
        }

        return _ledger?.Status(Id);
    }

    /// <inheritdoc/>
    public async Task ForgetAsync()
    {
        await state.ClearStateAsync();
        DeactivateOnIdle();
    }

    /// <inheritdoc/>
    public void Dispose() => _leaving.Dispose();

    private async Task OpenAsync(RunRecord record)
    {
        _ledger = Read(record);
        _looked = clock.GetTimestamp();
        if (_ledger.Record != state.State.Record)
        {
            await SaveAsync();
        }

        if (!_ledger.IsOver)
        {
            _pumps = Task.WhenAll(Enumerable.Range(0, settings.SlicesAtOnce).Select(_ => PumpAsync(_ledger)));
        }
    }

    private RunLedger Read(RunRecord record)
    {
        try
        {
            return new RunLedger(record, record.IsOver ? [] : orders.Read(record.Order).Cases);
        }
        catch (ScenarioException changed)
        {
            return new RunLedger(record with { Phase = RunPhase.Failed, Error = $"this silo cannot read the order any more: {changed.Message}" }, []);
        }
    }

    private async Task PumpAsync(RunLedger ledger)
    {
        await Task.Yield(); // Whoever opened the run goes on first.
        try
        {
            while (!_leaving.IsCancellationRequested && !ledger.IsOver)
            {
                if (ledger.Take() is not { } slice)
                {
                    await _news.Task; // The next round of a campaign comes with the last result of this one.
                }
                else if (await DoAsync(ledger, slice) is { } result)
                {
                    DelayDeactivation(s_awake);
                    if (ledger.Note(slice, result))
                    {
                        await SaveAsync();
                    }
                    else
                    {
                        Announce();
                    }
                }
                else
                {
                    ledger.GiveBack(slice);
                }
            }
        }
        catch (InconsistentStateException)
        {
            DeactivateOnIdle(); // Another activation has the run.
        }
#pragma warning disable CA1031 // Whatever is left is our own fault: it ends the run, and whoever watches it is told.
        catch (Exception ours)
#pragma warning restore CA1031
        {
            LogFault(Id, ours);
            ledger.Fail(ours.ToString());
            Announce();
        }
    }

    /// <summary>Has a slice done.</summary>
    /// <returns>What it did, or null when this activation is leaving.</returns>
    private async Task<SliceResult?> DoAsync(RunLedger ledger, RunSlice slice)
    {
        var grain = GrainFactory.GetGrain<ISliceGrain>($"{Id}/{slice.CaseNumber}/{slice.First}");
        string? attempt = null;
        var attempts = 0;
        while (!_leaving.IsCancellationRequested)
        {
            var answer = await AskAsync(grain, ledger.Timed(slice), ledger.Record.Phase == RunPhase.Stopping);
            LookAtTheClock(ledger);
            if (answer is not { } reply)
            {
                continue;
            }

            if (reply.Attempt != attempt)
            {
                attempts++;
                await NoteAttemptAsync(ledger, slice, reply.Attempt);
            }

            if (reply.Result is not null || attempts > MaxAttempts)
            {
                return reply.Result ?? SliceResult.Failed($"slice {slice.Number} of case {slice.Case} was lost {MaxAttempts} times; the silos' logs tell why");
            }

            attempt = reply.Attempt;
            if (ledger.NoteProgress(slice, reply.UnderWay))
            {
                Announce();
            }
        }

        return null;
    }

    /// <summary>Notes who does a slice. It is kept, so that the run's next activation knows it; that of a shard with its round.</summary>
    private Task NoteAttemptAsync(RunLedger ledger, RunSlice slice, string attempt)
    {
        if (ledger.NoteAttempt(slice, attempt))
        {
            instruments.SliceRetried();
            LogRetry(Id, slice.Case, slice.Number);
        }

        return slice.ShardText is null ? SaveAsync() : Task.CompletedTask;
    }

    private void LookAtTheClock(RunLedger ledger)
    {
        var now = clock.GetTimestamp();
        ledger.NoteTime(clock.GetElapsedTime(_looked, now));
        _looked = now;
    }

    /// <summary>Asks how far a slice is.</summary>
    /// <returns>The answer, or null after a pause when there was none.</returns>
    private async Task<SliceReply?> AskAsync(ISliceGrain grain, RunSlice slice, bool stop)
    {
        try
        {
            if (stop)
            {
                await grain.StopAsync(); // Each time: it may be another attempt than the one that was told.
            }

            return await grain.AdvanceAsync(slice);
        }
        catch (Exception lost) when (lost is OrleansException or TimeoutException)
        {
            LogLost(Id, slice.Case, slice.Number, lost);
            await Task.Delay(s_pause, clock);
            return null;
        }
    }

    /// <summary>Keeps the books; what changes meanwhile is kept by the round under way.</summary>
    private async Task SaveAsync()
    {
        Announce();
        _isUnsaved = true;
        if (_isSaving)
        {
            return;
        }

        _isSaving = true;
        try
        {
            while (_isUnsaved)
            {
                _isUnsaved = false;
                state.State.Record = _ledger!.Record; // Only an open run is kept.
                await WriteAsync();
            }
        }
        finally
        {
            _isSaving = false;
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await state.WriteStateAsync();
        }
#pragma warning disable CA1031 // Whatever a database throws when it is away for a moment: the run goes on and is kept later.
        catch (Exception away) when (away is not InconsistentStateException && !_leaving.IsCancellationRequested)
#pragma warning restore CA1031
        {
            LogUnsaved(Id, away);
            _isUnsaved = true;
            await Task.Delay(s_pause, clock);
        }
    }

    private void Announce()
    {
        var news = _news;
        _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        news.TrySetResult();
    }

    [LoggerMessage(LogLevel.Warning, "{Run}: slice {Slice} of case {Case} does not answer; it is asked again.")]
    private partial void LogLost(string run, string @case, int slice, Exception lost);

    [LoggerMessage(LogLevel.Warning, "{Run}: slice {Slice} of case {Case} begins again.")]
    private partial void LogRetry(string run, string @case, int slice);

    [LoggerMessage(LogLevel.Warning, "{Run} could not be kept; it is tried again.")]
    private partial void LogUnsaved(string run, Exception away);

    [LoggerMessage(LogLevel.Error, "{Run} failed.")]
    private partial void LogFault(string run, Exception fault);
}
