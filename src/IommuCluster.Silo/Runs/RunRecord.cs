using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;

namespace IommuCluster.Silo.Runs;

/// <summary>What is kept of a run, so that another silo can go on with it.</summary>
/// <param name="Order">What was asked.</param>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Version">Changes whenever anything else does.</param>
/// <param name="Cases">Its cases.</param>
/// <param name="Retries">Slices and boots that were begun again.</param>
/// <param name="Error">What went wrong, or null.</param>
/// <param name="Replay">How a replay ended, or null.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.run-record")]
internal sealed record RunRecord(
    [property: Id(0)] RunOrder Order,
    [property: Id(1)] string Scenario,
    [property: Id(2)] RunPhase Phase,
    [property: Id(3)] long Version,
    [property: Id(4)] ImmutableArray<CaseRecord> Cases,
    [property: Id(5)] int Retries,
    [property: Id(6)] string? Error,
    [property: Id(7)] ReplayEnds? Replay)
{
    /// <summary>True once nothing changes any more.</summary>
    public bool IsOver => Phase is RunPhase.Stopped or RunPhase.Completed or RunPhase.Failed;
}

/// <summary>What is kept of a case.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Board">Its board.</param>
/// <param name="Profile">Its kernel era.</param>
/// <param name="Strategy">Who decides what runs.</param>
/// <param name="Budget">Boots or schedules asked for, or null.</param>
/// <param name="SliceSize">Boots or schedules of a slice; null for one slice that does all.</param>
/// <param name="DoneBelow">All slices with a lower number are done.</param>
/// <param name="DoneAbove">The other slices that are done.</param>
/// <param name="Done">Boots or schedules done.</param>
/// <param name="Abandoned">Those among them that a strategy gave up.</param>
/// <param name="Steps">Steps that they took.</param>
/// <param name="Coverage">What the silence of those done is worth.</param>
/// <param name="Findings">What was seen; <see cref="SliceFinding.InEvery"/> is about the slices that are done.</param>
/// <param name="Outcome">How it came out, or null.</param>
/// <param name="Reasons">Why it is not as expected.</param>
/// <param name="Campaign">Where the campaign stood after its last whole round, as JSON; empty before the first one ended; null for a case without one.</param>
/// <param name="Lost">SoCs that lost their silo and were booted again.</param>
/// <param name="Elapsed">Time in which slices of it were under way.</param>
/// <param name="Note">What to know of it while it runs, in a line; null for nothing.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.case-record")]
internal sealed record CaseRecord(
    [property: Id(0)] string Name,
    [property: Id(1)] string Board,
    [property: Id(2)] string Profile,
    [property: Id(3)] string Strategy,
    [property: Id(4)] long? Budget,
    [property: Id(5)] int? SliceSize,
    [property: Id(6)] int DoneBelow,
    [property: Id(7)] ImmutableArray<int> DoneAbove,
    [property: Id(8)] long Done,
    [property: Id(9)] long Abandoned,
    [property: Id(10)] long Steps,
    [property: Id(11)] Coverage Coverage,
    [property: Id(12)] ImmutableArray<SliceFinding> Findings,
    [property: Id(13)] string? Outcome,
    [property: Id(14)] ImmutableArray<string> Reasons,
    [property: Id(15)] ImmutableArray<byte>? Campaign = null,
    [property: Id(16)] long Lost = 0,
    [property: Id(17)] TimeSpan Elapsed = default,
    [property: Id(18)] string? Note = null)
{
    /// <summary>Which attempt does each slice that is under way, by its place in the case: so one that is lost together with the run's own silo is told, too.</summary>
    [Id(19)]
    public ImmutableSortedDictionary<long, string> Begun { get; init; } = ImmutableSortedDictionary<long, string>.Empty;

    /// <summary>Number of slices.</summary>
    public int Slices => SliceSize is { } size ? (int)((Budget!.Value + size - 1) / size) : 1; // Sliced only with a budget.

    /// <summary>Tells whether a slice is done.</summary>
    public bool IsDone(int slice) => slice < DoneBelow || DoneAbove.Contains(slice);

    /// <summary>The same with one more slice done.</summary>
    public CaseRecord With(int slice)
    {
        var above = DoneAbove.Add(slice).Sort();
        var below = DoneBelow;
        while (!above.IsEmpty && above[0] == below)
        {
            above = above.RemoveAt(0);
            below++;
        }

        return this with { DoneBelow = below, DoneAbove = above };
    }
}

/// <summary>The stored state of a run's grain.</summary>
[GenerateSerializer, Alias("iommucluster.run-state")]
internal sealed class RunState
{
    /// <summary>The run; null before it was asked for.</summary>
    [Id(0)]
    public RunRecord? Record { get; set; }
}
