using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using CancellationToken = System.Threading.CancellationToken;
using Interlocked = System.Threading.Interlocked;

namespace IommuCluster.Silo.Running;

/// <summary>Boots SoCs until they come to an end: one that was lost with its silo is booted again from its start, and counts once.</summary>
/// <param name="cluster">Boots SoCs.</param>
/// <param name="clock">Measures the pauses.</param>
internal sealed class SocBooter(ClusterRunner cluster, TimeProvider clock)
{
    /// <summary>Tries of one SoC. With the pauses between them they outlast the time in which the cluster finds out that a silo is dead.</summary>
    public const int MaxTries = 7;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(0.5);

    private int _lost;

    /// <summary>SoCs that were lost and booted again.</summary>
    public int Lost => System.Threading.Volatile.Read(ref _lost);

    /// <summary>Boots a SoC.</summary>
    /// <param name="workload">What to boot.</param>
    /// <param name="name">The boot's name: unlike that of any other boot of the cluster, without slashes.</param>
    /// <param name="options">How it boots.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>How it ended, or null when it was given up.</returns>
    /// <exception cref="BootLostException">It was lost with every try.</exception>
    /// <exception cref="ClusterBootException">A fault of our own ended it.</exception>
    /// <exception cref="TimeoutException">Nothing of it was lost, and it stands still: a fault of our own, too. One that is slow is waited for.</exception>
    public async Task<ClusterBoot?> BootAsync(Workload workload, string name, BootOptions options, CancellationToken cancellation)
    {
        var pause = s_firstPause;
        try
        {
            cancellation.ThrowIfCancellationRequested();
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return await cluster.BootAsync(workload, $"{name}.{attempt}", options, cancellation);
                }
                catch (BootLostException) when (attempt < MaxTries)
                {
                    Interlocked.Increment(ref _lost);
                }

                await Task.Delay(pause, clock, cancellation); // Who is dead takes a while to be known.
                pause += pause;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
    }
}
