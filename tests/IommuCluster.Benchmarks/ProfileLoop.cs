using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>Runs yardstick M for a while, for a profiler to look at.</summary>
internal sealed class ProfileLoop : IBenchmark
{
    /// <inheritdoc/>
    public string Verb => "loop";

    /// <inheritdoc/>
    public string Summary => "a million schedules of M, for a profiler";

    /// <inheritdoc/>
    public void Run()
    {
        var runtime = new DeterministicRuntime(Yardstick.M(@fixed: false));
        var strategy = new RandomWalk(1);
        for (var i = 0; i < 1_000_000; i++)
        {
            strategy.BeginSchedule(i);
            runtime.Run(strategy, i);
        }
    }
}
