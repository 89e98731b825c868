using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>Drives campaigns on one thread, as several workers would.</summary>
public static class Campaigns
{
    /// <summary>Runs a campaign to its end.</summary>
    /// <param name="campaign">The campaign.</param>
    /// <param name="program">What to run.</param>
    /// <param name="workers">How many runtimes share the shards.</param>
    /// <param name="order">Decides which worker runs which shard, and in which order; the same for the same numbers.</param>
    public static void Run(Campaign campaign, Workload program, int workers = 1, ulong order = 0)
    {
        var random = new SeededRandom(order);
        var runners = Enumerable.Range(0, workers).Select(_ => new ShardRunner(program, new RuntimeOptions())).ToList();
        while (campaign.End is null)
        {
            foreach (var shard in campaign.Round.OrderBy(_ => random.Below(1_000)).ToList())
            {
                campaign.Add(runners[random.Below(workers)].Run(shard));
            }
        }
    }

    /// <summary>The first schedule that showed a consequence.</summary>
    /// <param name="strategy">A sampler, or the portfolio.</param>
    /// <param name="seed">Its seed.</param>
    /// <param name="program">What to run.</param>
    /// <param name="budget">Schedules to run at most.</param>
    /// <param name="counts">Which consequences count; null for all.</param>
    /// <returns>Its number from 1; one more than the budget when there was none.</returns>
    public static long FirstConsequence(string strategy, ulong seed, Workload program, int budget, Func<Finding, bool>? counts = null)
    {
        var runner = new ShardRunner(program, new RuntimeOptions());
        var campaign = new Campaign(new CampaignPlan(strategy, seed) { Schedules = budget });
        while (campaign.End is null)
        {
            foreach (var shard in campaign.Round)
            {
                campaign.Add(runner.Run(shard));
            }

            if (campaign.ToResult(TimeSpan.Zero).Consequences.FirstOrDefault(seen => counts?.Invoke(seen.Finding) ?? true) is { } first)
            {
                return first.FirstSchedule + 1;
            }
        }

        return budget + 1;
    }
}
