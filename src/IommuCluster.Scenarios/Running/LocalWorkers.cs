using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using IommuCluster.Exploration.Runs;
using CancellationToken = System.Threading.CancellationToken;
using Lock = System.Threading.Lock;

namespace IommuCluster.Scenarios.Running;

/// <summary>Runs campaigns on the cores of this machine: each worker has a runtime of its own, and they share nothing but the list of shards.</summary>
/// <remarks>
/// Nor do they share cache lines, as far as that can be helped: one after the other is made and runs its first shard. What threads allocate at
/// the same time comes to lie among each other's, and a word that one worker writes at each step may share its line with one that another reads
/// at each step: two cores were seen to do no more than 1.1 to 1.5 times the work of one, and 1.9 times when workers come to be in turn.
/// </remarks>
public sealed class LocalWorkers
{
    private readonly ConcurrentBag<ShardRunner> _idle = [];
    private readonly Lock _making = new();
    private readonly Func<ShardRunner> _create;
    private readonly ParallelOptions _options;
    private ShardRunner? _first;

    /// <summary>Makes the first worker, so that a plan that does not fit its board says so at once.</summary>
    /// <param name="create">Makes a worker; called by one thread at a time.</param>
    /// <param name="cores">How many at most, at least 1.</param>
    public LocalWorkers(Func<ShardRunner> create, int cores)
    {
        _create = create;
        _options = new ParallelOptions { MaxDegreeOfParallelism = cores };
        _first = create();
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
        if (_idle.TryTake(out var idle))
        {
            return Run(idle, shard, isOver);
        }

        lock (_making)
        {
            var made = _first ?? _create();
            _first = null;
            return Run(made, shard, isOver);
        }
    }

    private ShardResult Run(ShardRunner runner, Shard shard, Func<bool> isOver)
    {
        var result = runner.Run(shard, isOver);
        _idle.Add(runner);
        return result;
    }
}
