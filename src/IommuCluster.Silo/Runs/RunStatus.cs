using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace IommuCluster.Silo.Runs;

/// <summary>How far a run is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunPhase>))]
public enum RunPhase
{
    /// <summary>It runs.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>It was asked to stop; what is under way ends.</summary>
    [JsonStringEnumMemberName("stopping")]
    Stopping,

    /// <summary>It was stopped before its budget.</summary>
    [JsonStringEnumMemberName("stopped")]
    Stopped,

    /// <summary>It has done what was asked.</summary>
    [JsonStringEnumMemberName("completed")]
    Completed,

    /// <summary>A fault of our own ended it.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>A run as it stands.</summary>
/// <param name="Id">The run's id.</param>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Phase">How far it is.</param>
/// <param name="Version">Changes whenever anything else does.</param>
/// <param name="Cases">Its cases, in the order of the file.</param>
/// <param name="Retries">Slices and boots that were begun again because a silo of theirs was lost.</param>
/// <param name="Error">What went wrong, in a run that failed.</param>
/// <param name="Replay">How the two runtimes ended, in a run that replays a token and is over.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.run-status")]
public sealed record RunStatus(
    [property: Id(0)] string Id,
    [property: Id(1)] string Scenario,
    [property: Id(2)] RunPhase Phase,
    [property: Id(3)] long Version,
    [property: Id(4)] ImmutableArray<CaseStatus> Cases,
    [property: Id(5)] int Retries,
    [property: Id(6)] string? Error,
    [property: Id(7)] ReplayEnds? Replay)
{
    /// <summary>True once nothing changes any more.</summary>
    public bool IsOver => Phase is RunPhase.Stopped or RunPhase.Completed or RunPhase.Failed;
}

/// <summary>A case of a run as it stands.</summary>
/// <param name="Case">Its name.</param>
/// <param name="Board">Its board.</param>
/// <param name="Profile">Its kernel era.</param>
/// <param name="Strategy">Who decides what runs.</param>
/// <param name="Budget">Boots or schedules asked for; null when only time or the search's end bounds them.</param>
/// <param name="Done">Boots or schedules done, each counted once.</param>
/// <param name="Abandoned">Those among them that a strategy gave up because what follows was known.</param>
/// <param name="UnderWay">Boots or schedules done in slices that have not ended; begun again when their silo is lost.</param>
/// <param name="Steps">Steps that those done took.</param>
/// <param name="Coverage">What its silence is worth (<c>budget-done</c>, <c>exhausted</c>); null until it is over.</param>
/// <param name="Outcome">How it came out (<c>as-expected</c>, <c>not-as-expected</c>, <c>no-verdict</c>); null until it is over.</param>
/// <param name="Reasons">Why it is not as expected, a line each.</param>
/// <param name="Findings">What was seen, consequences before races, each in the order of first sight.</param>
/// <param name="Lost">SoCs that lost their silo and were booted again.</param>
/// <param name="Note">What to know of it while it runs, in a line; null for nothing.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.case-status")]
public sealed record CaseStatus(
    [property: Id(0)] string Case,
    [property: Id(1)] string Board,
    [property: Id(2)] string Profile,
    [property: Id(3)] string Strategy,
    [property: Id(4)] long? Budget,
    [property: Id(5)] long Done,
    [property: Id(6)] long Abandoned,
    [property: Id(7)] long UnderWay,
    [property: Id(8)] long Steps,
    [property: Id(9)] string? Coverage,
    [property: Id(10)] string? Outcome,
    [property: Id(11)] ImmutableArray<string> Reasons,
    [property: Id(12)] ImmutableArray<RunFinding> Findings,
    [property: Id(13)] long Lost,
    [property: Id(14)] string? Note = null);

/// <summary>A finding of a run, one a site. In JSON functions bear the kernel's names.</summary>
/// <param name="Id">Its fingerprint.</param>
/// <param name="Kind">What kind of thing (<c>use-after-free</c>).</param>
/// <param name="Function">The function in which it showed, by the name of the method that models it.</param>
/// <param name="ObjectType">The kernel type concerned, or empty.</param>
/// <param name="Field">The field concerned, or empty.</param>
/// <param name="Other">The second function or class of a pair, or empty.</param>
/// <param name="Message">One line for people.</param>
/// <param name="Count">Boots or schedules that showed it.</param>
/// <param name="First">Number of the first one, from 0.</param>
/// <param name="InEvery">True when all that ran to their end showed it.</param>
/// <param name="Token">Replays it; null from free concurrency, which cannot be replayed.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.run-finding")]
public sealed record RunFinding(
    [property: Id(0)] string Id,
    [property: Id(1)] string Kind,
    [property: Id(2), JsonConverter(typeof(KernelWordsConverter))] string Function,
    [property: Id(3)] string ObjectType,
    [property: Id(4)] string Field,
    [property: Id(5), JsonConverter(typeof(KernelWordsConverter))] string Other,
    [property: Id(6), JsonConverter(typeof(KernelWordsConverter))] string Message,
    [property: Id(7)] long Count,
    [property: Id(8)] long First,
    [property: Id(9)] bool InEvery,
    [property: Id(10)] string? Token);

/// <summary>How a replay ended on grains and in one process; equal unless the runtimes disagree.</summary>
/// <param name="Cluster">The end on grains.</param>
/// <param name="Process">The end in one process.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.replay-ends")]
public sealed record ReplayEnds([property: Id(0)] ReplayEnd Cluster, [property: Id(1)] ReplayEnd Process);

/// <summary>How a replay ended on one runtime.</summary>
/// <param name="End">How (<c>completed</c>, <c>oopsed</c>).</param>
/// <param name="State">Hash of the memory, 32 hex digits.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.replay-end")]
public sealed record ReplayEnd([property: Id(0)] string End, [property: Id(1)] string State);
