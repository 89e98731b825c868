using System.Collections.Concurrent;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Boots;

/// <summary>A client's end of a boot: begins it, hears of it, and asks where it hears nothing.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="name">The boot.</param>
/// <param name="patience">How long to wait.</param>
internal sealed class BootWatch(IGrainFactory grains, string name, Patience patience) : IBootObserver, IDisposable
{
    private readonly TaskCompletionSource<BootReport> _report = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<BootStatus> _rest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<OperationAnswer>> _answers = [];
    private readonly ISocGrain _soc = grains.Soc(name);
    private IBootObserver? _reference;
    private long _steps;

    /// <summary>What the keys of the SoC's parts begin with, once the boot has begun.</summary>
    public string Parts { get; private set; } = string.Empty;

    /// <summary>Begins the boot.</summary>
    /// <param name="order">What boots.</param>
    /// <returns>Completes when it is on its way.</returns>
    /// <exception cref="BootLostException">Its SoC cannot be reached.</exception>
    public async Task BeginAsync(BootOrder order)
    {
        var reference = _reference = grains.CreateObjectReference<IBootObserver>(this);
        try
        {
            Parts = await Delivery.AskAsync(() => _report.Task.IsCompleted ? ValueTask.FromResult(string.Empty) : _soc.BeginAsync(order, reference));
        }
        catch (Exception away) when (Delivery.IsOfTheWay(away))
        {
            throw Unreachable(away);
        }
        catch (InvalidOperationException) when (_report.Task.IsCompleted)
        {
            // A short boot began, ended, told us and was gone before its beginning was answered.
        }
    }

    /// <summary>Waits for the end of the boot.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="BootLostException">The SoC is gone.</exception>
    public Task<BootReport> EndAsync(CancellationToken cancellation) =>
        patience.WaitAsync(_report.Task, async () => (await StatusAsync()).Report, cancellation);

    /// <summary>Waits until no thread is left, or the boot has ended.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>Which of both.</returns>
    /// <exception cref="BootLostException">The SoC is gone.</exception>
    public Task<BootStatus> RestAsync(CancellationToken cancellation) =>
        patience.WaitAsync(_rest.Task, async () => await StatusAsync() is { Phase: not BootPhase.Running } status ? status : null, cancellation);

    /// <summary>Runs an operation.</summary>
    /// <param name="ticket">Its number.</param>
    /// <param name="ask">Asks for it.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>What it came to.</returns>
    /// <exception cref="BootLostException">The SoC is gone.</exception>
    public async Task<OperationAnswer> OperateAsync(int ticket, Func<ValueTask> ask, CancellationToken cancellation)
    {
        var news = _answers.GetOrAdd(ticket, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        await Delivery.SendAsync(ask);
        var answer = await patience.WaitAsync(news, () => AnswerAsync(ticket), cancellation);
        _answers.TryRemove(ticket, out _);
        return answer;
    }

    /// <inheritdoc/>
    public ValueTask EndedAsync(BootReport report)
    {
        _report.TrySetResult(report);
        _rest.TrySetResult(new BootStatus(BootPhase.Ended, report));
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RestsAsync()
    {
        _rest.TrySetResult(new BootStatus(BootPhase.AtRest));
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<bool> IsWantedAsync() => ValueTask.FromResult(_reference is not null);

    /// <inheritdoc/>
    public ValueTask AnsweredAsync(int ticket, OperationAnswer answer)
    {
        if (_answers.TryGetValue(ticket, out var waiting))
        {
            waiting.TrySetResult(answer);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_reference is not null)
        {
            grains.DeleteObjectReference<IBootObserver>(_reference);
            _reference = null;
        }
    }

    private async Task<BootStatus> StatusAsync()
    {
        var status = await AskAsync();
        if (status.Steps != _steps)
        {
            _steps = status.Steps;
            patience.GoesOn();
        }

        return status.Phase != BootPhase.Unknown ? status
            : _report.Task.IsCompleted ? new BootStatus(BootPhase.Ended, await _report.Task) // It told us and went.
            : throw new BootLostException($"The SoC of {name} was lost with its silo.");
    }

    private async Task<BootStatus> AskAsync()
    {
        try
        {
            return await Delivery.AskAsync(_soc.StatusAsync);
        }
        catch (Exception away) when (Delivery.IsOfTheWay(away))
        {
            throw Unreachable(away);
        }
    }

    private BootLostException Unreachable(Exception away) => new($"The SoC of {name} cannot be reached: {away.Message}");

    private async Task<OperationAnswer?> AnswerAsync(int ticket)
    {
        var answer = await Delivery.AskAsync(() => _soc.AnswerAsync(ticket));
        return answer ?? ((await StatusAsync()).Phase == BootPhase.Ended ? new OperationAnswer(Kernel.Memory.Errno.None, IsBroken: true) : null);
    }
}
