using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;

namespace IommuCluster.Silo.Runs;

/// <summary>
/// The books of a case that is explored in shards: which shards of the present round are left, and what was merged. What comes
/// out is what one process finds for the same case, seed and budget. A plain class.
/// </summary>
internal sealed class CaseCampaign
{
    /// <summary>
    /// Bytes of a search that are handed on after each round, in messages of 4/3 of that, and kept as often: some 300,000 states. A search
    /// that has grown larger stays with its worker.
    /// </summary>
    public const long MostHandedOn = 8 << 20;

    private readonly ScenarioCase _case;
    private readonly Campaign _campaign;
    private readonly HashSet<int> _given = []; // Shards of the present round that somebody does or has done.
    private readonly List<ShardResult> _cutShort = [];

    /// <summary>Begins a campaign, or goes on with one from its last whole round.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="state">Where it stood, as <see cref="Told"/> keeps it; empty for the start.</param>
    public CaseCampaign(ScenarioCase scenarioCase, ImmutableArray<byte> state)
    {
        _case = scenarioCase;
        _campaign = new Campaign(CaseRunner.PlanOf(scenarioCase.Explore) with { MostHandedOn = MostHandedOn }, state.IsEmpty ? null : RunsWire.ReadState(state.AsSpan()));
    }

    /// <summary>Tells whether the cases of an order are explored so.</summary>
    /// <param name="order">What was asked.</param>
    /// <returns>True when schedules are explored, false when SoCs are booted or a token is replayed.</returns>
    public static bool Fits(RunOrder order) => order is { Boots: null, Socs: null, Replay: null };

    /// <summary>True when there is nothing more to run.</summary>
    public bool HasEnded => _campaign.End is not null;

    /// <summary>Schedules of shards that were run and are merged with their round.</summary>
    public long Unmerged { get; private set; }

    /// <summary>Takes a shard that nobody has run or runs.</summary>
    /// <returns>The shard, or null when the present round has none left.</returns>
    public Shard? Take() => _campaign.Round.FirstOrDefault(shard => _given.Add(shard.Index));

    /// <summary>Gives a shard back that was not run.</summary>
    /// <param name="shard">The shard.</param>
    public void GiveBack(Shard shard) => _given.Remove(shard.Index);

    /// <summary>Takes what a shard saw.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="result">What it saw.</param>
    /// <returns>True when a round was merged with it.</returns>
    public bool Add(Shard shard, ShardResult result)
    {
        if (!result.IsWhole(shard))
        {
            _cutShort.Add(result);
            GiveBack(shard);
            return false;
        }

        Unmerged += result.Schedules;
        if (!_campaign.Add(result))
        {
            return false;
        }

        Unmerged = 0;
        _given.Clear();
        _cutShort.Clear();
        return true;
    }

    /// <summary>Ends the campaign with what was run of the present round.</summary>
    /// <param name="why">Why: its time is up, or it was stopped.</param>
    public void Stop(Coverage why)
    {
        _campaign.Stop(why, _cutShort);
        Unmerged = 0;
    }

    /// <summary>Notes in a case's record all that was merged.</summary>
    /// <param name="record">The record.</param>
    /// <returns>The record as it is now.</returns>
    public CaseRecord Told(CaseRecord record)
    {
        var seen = _campaign.ToResult(TimeSpan.Zero);
        return record with
        {
            Done = seen.Schedules,
            Abandoned = seen.Abandoned,
            Steps = seen.Steps,
            Coverage = seen.Coverage,
            Findings = [.. seen.All.Select(each => SliceFinding.Of(_case, each))],
            Campaign = [.. RunsWire.Write(_campaign.ToState())],
            Note = _campaign is { StaysWithItsWorker: true, End: null } ? $"the search has become too large to be handed on ({MostHandedOn >> 20} MB): if its silo is lost it goes on from schedule {seen.Schedules}" : null,
        };
    }
}
