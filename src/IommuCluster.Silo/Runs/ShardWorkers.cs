using IommuCluster.Exploration.Runs;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using Lock = System.Threading.Lock;

namespace IommuCluster.Silo.Runs;

/// <summary>The workers of this silo that run shards. Making one reads the scenario and boots its board, so idle ones are kept, those of a few cases.</summary>
/// <param name="orders">Reads what a slice names.</param>
/// <param name="cases">Makes workloads.</param>
internal sealed class ShardWorkers(OrderReader orders, CaseRunner cases)
{
    /// <summary>Cases whose workers are kept.</summary>
    public const int MaxCases = 4;

    private readonly Lock _guard = new();
    private readonly List<(RunOrder Order, string Case, ShardRunner Runner)> _idle = []; // The one that was busy last comes last.

    /// <summary>Runs a shard.</summary>
    /// <param name="slice">The slice that names the case.</param>
    /// <param name="shard">The shard.</param>
    /// <param name="isOver">Asked before each schedule: true ends the shard early.</param>
    /// <returns>What it saw.</returns>
    public ShardResult Run(RunSlice slice, Shard shard, Func<bool> isOver)
    {
        var runner = Take(slice) ?? Create(slice);
        var result = runner.Run(shard, isOver);
        GiveBack(slice, runner); // Not after an exception: nobody knows then how the worker stands.
        return result;
    }

    private ShardRunner Create(RunSlice slice)
    {
        ScenarioCase found = orders.ReadCase(slice);
        return new ShardRunner(cases.Boot(found), CaseRunner.OptionsOf(found.Explore));
    }

    private ShardRunner? Take(RunSlice slice)
    {
        lock (_guard)
        {
            var at = _idle.FindLastIndex(each => IsOf(each.Order, each.Case, slice));
            if (at < 0)
            {
                return null;
            }

            var runner = _idle[at].Runner;
            _idle.RemoveAt(at);
            return runner;
        }
    }

    private void GiveBack(RunSlice slice, ShardRunner runner)
    {
        lock (_guard)
        {
            _idle.Add((slice.Order, slice.Case, runner));
            var kept = _idle.Select(each => (each.Order, each.Case)).Reverse().Distinct().Take(MaxCases).ToHashSet();
            _idle.RemoveAll(each => !kept.Contains((each.Order, each.Case)));
        }
    }

    private static bool IsOf(RunOrder order, string name, RunSlice slice) => name == slice.Case && order == slice.Order;
}
