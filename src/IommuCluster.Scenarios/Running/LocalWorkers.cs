using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using IommuCluster.Exploration.Runs;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Scenarios.Running;

/// <summary>Runs campaigns on the cores of this machine: each worker has a runtime of its own, and they share nothing but the list of shards.</summary>
/// <remarks>
/// Nor do they share cache lines: one thread makes all that a round needs before any of them runs. What threads allocate at the same time comes
/// to lie among each other's, and a word that one worker writes at each step then shares its line with one that another reads at each step.
/// </remarks>
public sealed class LocalWorkers
{
    private readonly ConcurrentBag<ShardRunner> _idle = [];
    private readonly Func<ShardRunner> _create;
    private readonly int _cores;

    /// <summary>Makes the first worker, so that a plan that does not fit its board says so at once.</summary>
    /// <param name="create">Makes a worker.</param>
    /// <param name="cores">How many at most, at least 1.</param>
    public LocalWorkers(Func<ShardRunner> create, int cores)
    {
        _create = create;
        _cores = cores;
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
        Make(campaign.Round);

        // One at a time: a chunk taken in advance keeps one worker busy while the others wait for the end of the round.
        var next = Partitioner.Create(campaign.Round, EnumerablePartitionerOptions.NoBuffering);
        try
        {
            Parallel.ForEach(next, new ParallelOptions { MaxDegreeOfParallelism = _idle.Count }, shard =>
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

    /// <summary>Makes the workers that a round needs, by the thread that calls.</summary>
    private void Make(ImmutableArray<Shard> round)
    {
        var workers = Math.Min(Math.Min(_cores, round.Length), MostWorkers(round));
        while (_idle.Count < workers)
        {
            _idle.Add(_create());
        }

        foreach (var worker in _idle)
        {
            worker.Prepare(round[0]); // Of one campaign, all shards ask for the same.
        }
    }

    /// <summary>
    /// The making of a worker takes about as long as a schedule. So n workers, made one after the other, have run s schedules after n + s/n of
    /// them, which is least at the square root of s: a short round does not wait for all cores of a large machine.
    /// </summary>
    private static int MostWorkers(ImmutableArray<Shard> round) => (int)Math.Ceiling(Math.Sqrt(round.Sum(shard => (long)shard.Schedules)));

    private ShardResult Run(Shard shard, Func<bool> isOver)
    {
        var runner = _idle.TryTake(out var idle) ? idle : _create();
        var result = runner.Run(shard, isOver);
        _idle.Add(runner);
        return result;
    }
}
