using IommuCluster.Grains.Contracts;
using Orleans.Placement;

namespace IommuCluster.Grains.Messaging;

/// <summary>
/// How fast grains that do nothing answer each other: what a step, which is a message and its answer, too, is held against.
/// The call is that of Orleans' own ping benchmark: it carries nothing, and nothing comes back. Always as many at the same time as
/// keep all cores busy, spread over the silos, and each beside the one that it pings, like a SoC's grains.
/// </summary>
public static class Pings
{
    /// <summary>Grains that ping at the same time.</summary>
    private const int Pingers = 64;

    private const int Calls = 1_500;
    private const int Rounds = 5;
    private const int Warmups = 2; // For tiered compilation, and for the grains to come to be.

    /// <summary>Measures.</summary>
    /// <param name="grains">The cluster.</param>
    /// <param name="clock">Measures the time.</param>
    /// <returns>Pings a second and the CPU time of this process for one, in microseconds: each the median of several rounds.</returns>
    public static async Task<(double PerSecond, double CpuMicroseconds)> MeasureAsync(IGrainFactory grains, TimeProvider clock)
    {
        var rates = new double[Rounds];
        var costs = new double[Rounds];
        for (var round = -Warmups; round < Rounds; round++)
        {
            var (began, cpu) = (clock.GetTimestamp(), Environment.CpuUsage.TotalTime);
            var pings = await RunAsync(grains);
            if (round >= 0)
            {
                rates[round] = pings / clock.GetElapsedTime(began).TotalSeconds;
                costs[round] = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / pings;
            }
        }

        return (Median(rates), Median(costs));
    }

    /// <summary>Pings once more.</summary>
    /// <param name="grains">The cluster.</param>
    /// <returns>Number of pings.</returns>
    public static async Task<long> RunAsync(IGrainFactory grains)
    {
        await Task.WhenAll(Enumerable.Range(0, Pingers).Select(number => grains.GetGrain<IPingerGrain>(number).RunAsync(Calls)));
        return Pingers * Calls;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}

/// <summary>Answers.</summary>
[PreferLocalPlacement]
internal sealed class PingGrain : Grain, IPingGrain
{
    /// <inheritdoc/>
    public ValueTask PingAsync() => ValueTask.CompletedTask;
}

/// <summary>Pings; on a silo by the hash of its number.</summary>
[HashBasedPlacement]
internal sealed class PingerGrain : Grain, IPingerGrain
{
    /// <inheritdoc/>
    public async Task RunAsync(int calls)
    {
        var other = GrainFactory.GetGrain<IPingGrain>(this.GetPrimaryKeyLong());
        for (var call = 0; call < calls; call++)
        {
            await other.PingAsync();
        }
    }
}
