using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Silo.Runs;

/// <summary>A part of a run that one silo does on its own; begun again elsewhere it does the same work once more.</summary>
/// <param name="Order">The run's order.</param>
/// <param name="Case">The case.</param>
/// <param name="CaseNumber">Its place in the run, from 0.</param>
/// <param name="Number">The slice's number in the case, from 0.</param>
/// <param name="First">Number of its first boot or schedule.</param>
/// <param name="Count">Boots or schedules at most; null when only time or the search's end bounds them.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.run-slice")]
internal sealed record RunSlice(
    [property: Id(0)] RunOrder Order,
    [property: Id(1)] string Case,
    [property: Id(2)] int CaseNumber,
    [property: Id(3)] int Number,
    [property: Id(4)] long First,
    [property: Id(5)] long? Count);

/// <summary>What a slice did.</summary>
/// <param name="Done">Boots or schedules done.</param>
/// <param name="Abandoned">Those among them that a strategy gave up.</param>
/// <param name="Steps">Steps that they took.</param>
/// <param name="Coverage">What its silence is worth.</param>
/// <param name="Findings">What was seen.</param>
/// <param name="Replay">How a replay ended on both runtimes.</param>
/// <param name="Failure">A fault of our own, or null.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.slice-result")]
internal sealed record SliceResult(
    [property: Id(0)] long Done,
    [property: Id(1)] long Abandoned,
    [property: Id(2)] long Steps,
    [property: Id(3)] Coverage Coverage,
    [property: Id(4)] ImmutableArray<SliceFinding> Findings,
    [property: Id(5)] ReplayEnds? Replay = null,
    [property: Id(6)] string? Failure = null)
{
    /// <summary>The result of a slice that a fault of our own ended.</summary>
    /// <param name="failure">What went wrong.</param>
    /// <returns>The result.</returns>
    public static SliceResult Failed(string failure) => new(0, 0, 0, Coverage.StoppedEarly, [], Replay: null, failure);
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
