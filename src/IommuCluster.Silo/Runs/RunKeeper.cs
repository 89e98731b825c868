using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using CancellationToken = System.Threading.CancellationToken;
using PeriodicTimer = System.Threading.PeriodicTimer;

namespace IommuCluster.Silo.Runs;

/// <summary>Has runs looked after, on every silo: a run whose silo was lost goes on, on another one, within <see cref="Interval"/>.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="clock">Tells when.</param>
/// <param name="logger">Hears of storage that does not answer.</param>
internal sealed partial class RunKeeper(IGrainFactory grains, TimeProvider clock, ILogger<RunKeeper> logger) : BackgroundService
{
    /// <summary>Time between two looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await KeepAsync();
        }
    }

    private async Task KeepAsync()
    {
        try
        {
            await grains.GetGrain<IRunIndexGrain>(0).KeepAsync();
        }
#pragma warning disable CA1031 // A database or silo that is away for a moment: the next look comes soon.
        catch (Exception away)
#pragma warning restore CA1031
        {
            LogAway(away);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Nobody looked after the runs this time.")]
    private partial void LogAway(Exception away);
}
