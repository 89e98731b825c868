using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using IommuCluster.Exploration.Runs;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Scenarios.Running;

/// <summary>Runs campaigns on the cores of this machine: each worker has a runtime of its own, and they share nothing but the list of shards.</summary>
public sealed class LocalWorkers
{
    private readonly ConcurrentBag<ShardRunner> _idle = [];
    private readonly Func<ShardRunner> _create;
    private readonly ParallelOptions _options;

    /// <summary>Makes the first worker, so that a plan that does not fit its board says so at once.</summary>
    /// <param name="create">Makes a worker.</param>
    /// <param name="cores">How many at most, at least 1.</param>
    public LocalWorkers(Func<ShardRunner> create, int cores)
    {
        _create = create;
        _options = new ParallelOptions { MaxDegreeOfParallelism = cores };
        _idle.Add(create());
    }

    /// <summary>Runs the present round of a campaign; the campaign ends when the time is over meanwhile.</summary>
    /// <param name="campaign">The campaign; it has not ended.</param>
    /// <param name="deadline">Tells whether the budget in time is used up; asked by all workers.</param>
    /// <param name="cancellation">Ends the campaign after the present schedules.</param>
    /// <returns>True when the round was run whole.</returns>
    /// <exception cref="InvalidDataException">The search in a shard is damaged.</exception>
    public bool RunRound(Campaign campaign, Func<bool> deadline, CancellationToken cancellation)
    {
        var unfinished = new List<ShardResult>();

        // One at a time: a chunk taken in advance keeps one worker busy while the others wait for the end of the round.
        var next = Partitioner.Create(campaign.Round, EnumerablePartitionerOptions.NoBuffering);
        try
        {
            Parallel.ForEach(next, _options, shard =>
            {
                var result = Run(shard, () => cancellation.IsCancellationRequested || deadline());
                lock (unfinished)
                {
                    if (result.IsWhole(shard))
                    {
                        campaign.Add(result); // While the others go on.
                    }
                    else
                    {
                        unfinished.Add(result);
                    }
                }
            });
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]); // As one worker alone would: a damaged search is bad input.
        }

        if (unfinished.Count > 0)
        {
            campaign.Stop(cancellation.IsCancellationRequested ? Coverage.StoppedEarly : Coverage.BudgetDone, unfinished);
            return false;
        }

        return true;
    }

    /// <summary>Writes the search of one mind that is kept by the one worker that runs it.</summary>
    /// <returns>The bytes; empty when there is none. Between two rounds only.</returns>
    public ReadOnlyMemory<byte> SaveSearch() => _idle.TryPeek(out var worker) ? worker.SaveSearch() : default;

    private ShardResult Run(Shard shard, Func<bool> isOver)
    {
        var runner = _idle.TryTake(out var idle) ? idle : _create();
        var result = runner.Run(shard, isOver);
        _idle.Add(runner);
        return result;
    }
}
