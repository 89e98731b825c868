namespace IommuCluster.Cli.Cluster;

/// <summary>What a grain step costs.</summary>
/// <param name="PerSecond">Steps a second.</param>
/// <param name="CpuMicroseconds">CPU time of this process for each, with all that a boot does besides.</param>
internal readonly record struct StepCost(double PerSecond, double CpuMicroseconds);

/// <summary>Watches the steps of a run. Its first half is for the compiler, which takes its time to make a cold process a fast one; pings have rounds of their own for that.</summary>
/// <param name="clock">The clock.</param>
internal sealed class StepsWatch(TimeProvider clock)
{
    private readonly List<(long At, TimeSpan Cpu, long Steps)> _seen = [(clock.GetTimestamp(), Environment.CpuUsage.TotalTime, 0)];

    /// <summary>Notes how many steps there were.</summary>
    /// <param name="steps">Steps since the run began.</param>
    internal void Look(long steps) => _seen.Add((clock.GetTimestamp(), Environment.CpuUsage.TotalTime, steps));

    /// <summary>Sums up.</summary>
    /// <returns>The cost of the steps that came after half of them; of none when there were none.</returns>
    internal StepCost SumUp()
    {
        var last = _seen[^1];
        var half = _seen.FindLast(each => each.Steps <= last.Steps / 2);
        var steps = last.Steps - half.Steps;
        return steps == 0 ? default : new StepCost(steps / clock.GetElapsedTime(half.At, last.At).TotalSeconds, (last.Cpu - half.Cpu).TotalMicroseconds / steps);
    }
}
