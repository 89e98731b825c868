using System.Collections.Immutable;
using System.Text;
using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Silo.Runs;

/// <summary>A part of a run that one silo does on its own; begun again elsewhere it does the same work once more.</summary>
/// <param name="Order">The run's order.</param>
/// <param name="Case">The case.</param>
/// <param name="CaseNumber">Its place in the run, from 0.</param>
/// <param name="Number">The slice's number in the case, from 0.</param>
/// <param name="First">Number of its first boot or schedule; of a part of a search, which has none yet, a number that no other one has.</param>
/// <param name="Count">Boots or schedules at most; null when only time or the search's end bounds them.</param>
/// <param name="ShardText">The shard of a campaign, as JSON; null for a slice that is none.</param>
/// <param name="TimeLeft">What is left of the case's budget in time, for a slice that has to heed it itself; null for none.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.run-slice")]
internal sealed record RunSlice(
    [property: Id(0)] RunOrder Order,
    [property: Id(1)] string Case,
    [property: Id(2)] int CaseNumber,
    [property: Id(3)] int Number,
    [property: Id(4)] long First,
    [property: Id(5)] long? Count,
    [property: Id(6)] string? ShardText = null,
    [property: Id(7)] TimeSpan? TimeLeft = null)
{
    /// <summary>Its place in the run: the case, and a number that no other slice of the case has.</summary>
    public (int Case, long First) Place => (CaseNumber, First);

    /// <summary>The shard of a campaign that the slice is, or null.</summary>
    /// <returns>The shard.</returns>
    public Shard? ToShard() => ShardText is null ? null : RunsWire.ReadShard(Encoding.UTF8.GetBytes(ShardText));

    /// <summary>Makes a slice of a shard.</summary>
    /// <param name="order">The run's order.</param>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="caseNumber">Its place in the run.</param>
    /// <param name="shard">The shard.</param>
    /// <returns>The slice.</returns>
    public static RunSlice Of(RunOrder order, string scenarioCase, int caseNumber, Shard shard) =>
        new(order, scenarioCase, caseNumber, shard.Index, shard.Search.IsEmpty ? shard.First : ((long)shard.Round << 16) + shard.Index, shard.Schedules, Encoding.UTF8.GetString(RunsWire.Write(shard)));
}

/// <summary>What a slice did.</summary>
/// <param name="Done">Boots or schedules done.</param>
/// <param name="Abandoned">Those among them that a strategy gave up.</param>
/// <param name="Steps">Steps that they took.</param>
/// <param name="Coverage">What its silence is worth.</param>
/// <param name="Findings">What was seen.</param>
/// <param name="Lost">SoCs that were lost with a silo and booted again.</param>
/// <param name="Replay">How a replay ended on both runtimes.</param>
/// <param name="Failure">A fault of our own, or null.</param>
/// <param name="Shard">What a shard saw, as JSON; the other figures of the result are then left out. Null for other slices.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.slice-result")]
internal sealed record SliceResult(
    [property: Id(0)] long Done,
    [property: Id(1)] long Abandoned,
    [property: Id(2)] long Steps,
    [property: Id(3)] Coverage Coverage,
    [property: Id(4)] ImmutableArray<SliceFinding> Findings,
    [property: Id(5)] int Lost = 0,
    [property: Id(6)] ReplayEnds? Replay = null,
    [property: Id(7)] string? Failure = null,
    [property: Id(8)] ImmutableArray<byte>? Shard = null)
{
    /// <summary>The result of a shard.</summary>
    /// <param name="shard">What it saw.</param>
    /// <returns>The result.</returns>
    public static SliceResult Of(ShardResult shard) => new(0, 0, 0, Coverage.BudgetDone, [], Shard: [.. RunsWire.Write(shard)]);

    /// <summary>The result of a slice that a fault of our own ended.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <returns>The result.</returns>
    public static SliceResult Failed(string failure) => new(0, 0, 0, Coverage.StoppedEarly, [], Failure: failure);
}

/// <summary>A finding of a slice.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Function">The kernel function in which it showed.</param>
/// <param name="ObjectType">The kernel type concerned, or empty.</param>
/// <param name="Field">The field concerned, or empty.</param>
/// <param name="Other">The second function or class of a pair, or empty.</param>
/// <param name="Message">One line for people.</param>
/// <param name="Count">Boots or schedules that showed it.</param>
/// <param name="First">Number of the first one in the case.</param>
/// <param name="InEvery">True when all that ran to their end showed it.</param>
/// <param name="Token">Replays it, or null.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.slice-finding")]
internal sealed record SliceFinding(
    [property: Id(0)] FindingKind Kind,
    [property: Id(1)] string Function,
    [property: Id(2)] string ObjectType,
    [property: Id(3)] string Field,
    [property: Id(4)] string Other,
    [property: Id(5)] string Message,
    [property: Id(6)] long Count,
    [property: Id(7)] long First,
    [property: Id(8)] bool InEvery,
    [property: Id(9)] string? Token)
{
    /// <summary>A finding over the schedules of a case.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="seen">The finding.</param>
    /// <returns>The finding, with the token that replays it where there is something to replay.</returns>
    public static SliceFinding Of(ScenarioCase scenarioCase, ObservedFinding seen)
    {
        var finding = seen.Finding;
        return new SliceFinding(
            finding.Kind, finding.Function, finding.ObjectType, finding.Field, finding.Other, finding.Message,
            seen.Count, seen.FirstSchedule, seen.InEverySchedule, seen.Schedules.IsEmpty ? null : ScenarioToken.Of(scenarioCase, seen.Schedules).ToString());
    }

    /// <summary>The finding itself.</summary>
    /// <returns>The finding.</returns>
    public Finding ToFinding() => new(Kind, Function, ObjectType, Field, Other, Message);
}

/// <summary>What a slice answers when it is asked how far it is.</summary>
/// <param name="Attempt">Which attempt this is; another one than before says that the first was lost.</param>
/// <param name="UnderWay">Boots or schedules done so far.</param>
/// <param name="Result">What it did, once it has ended.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.slice-reply")]
internal sealed record SliceReply([property: Id(0)] string Attempt, [property: Id(1)] long UnderWay, [property: Id(2)] SliceResult? Result);
