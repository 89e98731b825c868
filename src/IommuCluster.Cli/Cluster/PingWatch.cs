using IommuCluster.Silo.Runs;

namespace IommuCluster.Cli.Cluster;

/// <summary>Grain steps held against bare pings of the same run: messages that carry nothing, and grains that do nothing.</summary>
/// <param name="PingsPerSecond">Pings a second, the mean of before and after.</param>
/// <param name="StepsPerSecond">Steps a second, of the second half of the run.</param>
/// <param name="Ratio">Those steps a second to pings a second.</param>
/// <param name="CpuAStep">CPU time of a step in microseconds, with all that a boot does besides; null where the silos are elsewhere.</param>
/// <param name="CpuAPing">CPU time of a ping in microseconds; null where the silos are elsewhere.</param>
/// <param name="CpuRatio">CPU time of a ping to that of a step: what other processes do on the machine hardly changes it.</param>
internal sealed record PingCost(double PingsPerSecond, double StepsPerSecond, double Ratio, double? CpuAStep, double? CpuAPing, double? CpuRatio);

/// <summary>Measures pings before and after a run.</summary>
/// <param name="client">The cluster.</param>
/// <param name="hasSilos">True when the silos are in this process, whose CPU time is theirs.</param>
internal sealed class PingWatch(RunClient client, bool hasSilos)
{
    private readonly List<(double PerSecond, double CpuMicroseconds)> _seen = [];

    /// <summary>Measures.</summary>
    internal async Task LookAsync() => _seen.Add(await client.PingAsync());

    /// <summary>Holds steps against what was measured.</summary>
    /// <param name="step">What a step cost.</param>
    /// <returns>The comparison.</returns>
    internal PingCost SumUp(StepCost step)
    {
        var (pings, cpuAPing) = (_seen.Average(each => each.PerSecond), _seen.Average(each => each.CpuMicroseconds));
        return hasSilos
            ? new PingCost(pings, step.PerSecond, step.PerSecond / pings, step.CpuMicroseconds, cpuAPing, cpuAPing / step.CpuMicroseconds)
            : new PingCost(pings, step.PerSecond, step.PerSecond / pings, null, null, null);
    }
}
