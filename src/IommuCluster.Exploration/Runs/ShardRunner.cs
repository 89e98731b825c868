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
        var log = new ScheduleLog(_runtime);
        var strategy = StrategyCatalog.CreateSampler(shard.Strategy, shard.Seed, shard.Length);
        var before = _runtime.TotalSteps;
        for (var number = shard.First; number < shard.First + shard.Schedules && isOver?.Invoke() != true; number++)
        {
            strategy.BeginSchedule(number);
            var end = _runtime.Run(strategy, number);
            strategy.EndSchedule(end);
            log.Note(number, end);
            if (_runtime.ChoiceCount == 0)
            {
                break; // Nobody has a choice: there is no other schedule.
            }
        }

        return ResultOf(shard, log, _runtime.TotalSteps - before);
    }

    private ShardResult ResultOf(Shard shard, ScheduleLog log, long steps) => new()
    {
        Round = shard.Round,
        Index = shard.Index,
        Schedules = (int)log.Schedules,
        Abandoned = (int)log.Abandoned,
        Steps = steps,
        MostChoices = log.MostChoices,
        Findings = [.. log.Entries.Where(entry => entry.AtBoot || entry.Sighting.Finding.Kind != FindingKind.LockOrder).Select(FindingOf)],
        LockEdges = [.. _runtime.Lockdep?.Edges ?? []],
        EdgeMakers = [.. log.EdgeMakers.OrderBy(maker => maker.Key).Select(maker => new NumberedSchedule(maker.Key, maker.Value))],
        RaceOrders = [.. log.RaceOrders],
    };

    private static SeenFinding FindingOf(LogEntry entry)
    {
        var sighting = entry.Sighting;
        return new SeenFinding(sighting.Finding, sighting.Step, sighting.Thread, sighting.OtherStep, entry.First, [entry.Schedule], entry.Count, entry.Ended, entry.AtBoot);
    }
}
