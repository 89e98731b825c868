using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>Runs shards, one after the other, on a runtime of its own: one worker's part of a campaign.</summary>
/// <param name="workload">What to run; shared with nobody who runs at the same time.</param>
/// <param name="options">How to watch.</param>
public sealed class ShardRunner(Workload workload, RuntimeOptions options)
{
    private readonly DeterministicRuntime _runtime = new(workload, options);

    /// <summary>Runs a shard.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="isOver">Asked before each schedule: true ends the shard early; null never does.</param>
    /// <returns>What it saw: the same for the same shard, whatever was run before.</returns>
    public ShardResult Run(Shard shard, Func<bool>? isOver = null)
    {
        _runtime.Lockdep?.Forget();
        _runtime.ForgetSwitches();
        var log = new ScheduleLog(_runtime);
        var subtree = shard.Search.IsEmpty ? null : SearchTree.Read(shard.Search.Span, DporSubtree.Load);
        IStrategy strategy = subtree is not null ? new SourceDpor(subtree)
            : shard.Flips.IsEmpty ? StrategyCatalog.CreateSampler(shard.Strategy, shard.Seed, shard.Length)
            : new RaceFlip(shard.Seed, shard.First, shard.Flips);
        for (var number = shard.First; number < shard.First + shard.Schedules && isOver?.Invoke() != true && strategy.BeginSchedule(number); number++)
        {
            var end = _runtime.Run(strategy, number);
            strategy.EndSchedule(end);
            log.Note(number, end);
            if (number == shard.First)
            {
                log.NoteHints(); // One schedule of a shard tells most of them, at next to no cost.
            }

            if (_runtime.ChoiceCount == 0)
            {
                break; // Nobody has a choice: there is no other schedule.
            }
        }

        var result = ResultOf(shard, log.ToState());
        return subtree is null ? result : result with { Search = SearchTree.Write(subtree.Save), IsExhausted = subtree.IsDone };
    }

    private static ShardResult ResultOf(Shard shard, LedgerState seen) => new()
    {
        Round = shard.Round,
        Index = shard.Index,
        Schedules = (int)seen.Schedules,
        Abandoned = (int)seen.Abandoned,
        Steps = seen.Steps,
        MostChoices = seen.MostChoices,
        Switches = seen.Switches,
        Findings = [.. seen.Findings.Where(each => each.AtBoot || each.Finding.Kind != FindingKind.LockOrder)],
        LockEdges = seen.LockEdges,
        EdgeMakers = seen.EdgeMakers,
        RaceOrders = seen.RaceOrders,
        Hints = seen.Hints,
    };
}
