using IommuCluster.Grains.Boots;
using Orleans.Concurrency;
using CancellationToken = System.Threading.CancellationToken;
using CancellationTokenSource = System.Threading.CancellationTokenSource;
using Interlocked = System.Threading.Interlocked;

namespace IommuCluster.Silo.Runs;

/// <summary>Gives a slice an address in the cluster. What it does is kept nowhere: a lost one is begun again.</summary>
/// <param name="runner">Does slices.</param>
/// <param name="clock">Measures how long a caller waits.</param>
[Reentrant, Orleans.Placement.RandomPlacement]
internal sealed class SliceGrain(SliceRunner runner, TimeProvider clock) : Grain, ISliceGrain, IDisposable
{
    /// <summary>How long a caller waits: much less than what a call may take.</summary>
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stop = new();
    private Task<SliceResult>? _work;
    private long _underWay;
    private bool _isLeaving;

    /// <inheritdoc/>
    public async Task<SliceReply> AdvanceAsync(RunSlice slice)
    {
        var attempt = GrainContext.ActivationId.ToString();
        _work ??= Begin(slice, attempt);
        await Task.WhenAny(_work, Task.Delay(s_moment, clock));
        if (!_work.IsCompleted || _isLeaving)
        {
            return new SliceReply(attempt, Interlocked.Read(ref _underWay), Result: null);
        }

        DeactivateOnIdle();
        return new SliceReply(attempt, 0, await ResultAsync(_work)); // Without a result the next call begins anew.
    }

    /// <inheritdoc/>
    public Task StopAsync() => _stop.CancelAsync();

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _isLeaving = true; // What is cut off here is no result: another silo begins the slice again.
        return _stop.CancelAsync();
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    /// <summary>Begins, outside of the grain: whoever asks for boots is a client of theirs, and exploring is hours of no await.</summary>
    private Task<SliceResult> Begin(RunSlice slice, string attempt)
    {
        // Two attempts may overlap where a silo was given up too early: each boots machines of its own.
        var name = $"{this.GetPrimaryKeyString().Replace('/', '.')}.{attempt}.";
        var stop = _stop.Token;
        return Task.Run(() => runner.RunAsync(slice, name, done => Interlocked.Exchange(ref _underWay, done), stop), CancellationToken.None);
    }

    /// <summary>Takes the result.</summary>
    /// <returns>The result, or null when what it boots is lost here again and again: elsewhere it may not be.</returns>
    private static async Task<SliceResult?> ResultAsync(Task<SliceResult> work)
    {
        try
        {
            return await work;
        }
        catch (BootLostException)
        {
            return null;
        }
        catch (Exception ours) when (ours is ClusterBootException or TimeoutException)
        {
            return SliceResult.Failed(ours.Message);
        }
    }
}
