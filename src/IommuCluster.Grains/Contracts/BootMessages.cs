using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Contracts;

/// <summary>What boots and how. Code does not travel: a silo that does not know the boot makes its workload from the recipe.</summary>
/// <param name="Recipe">Tells an <see cref="Boots.IWorkloadSource"/> what to boot; null for a workload that only the process of the boot's client has.</param>
/// <param name="Schedule">The schedule that decides, as <see cref="Exploration.Replay.Schedule.Encode"/> writes it; null where concurrency does.</param>
/// <param name="LockGraph">Name of the graph of lock classes that its threads add to; null for one that nobody else adds to. A replay has one.</param>
/// <param name="Checkers">True to check data races and lock order.</param>
/// <param name="GoOnAfterOops">True to run on after an oops.</param>
/// <param name="MaxSteps">Steps after which there is no progress.</param>
/// <param name="StaysUp">True for a SoC that stays up after its boot, to be operated until it is stopped.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.boot-order")]
internal sealed record BootOrder(
    [property: Id(0)] string? Recipe,
    [property: Id(1)] string? Schedule,
    [property: Id(2)] string? LockGraph,
    [property: Id(3)] bool Checkers,
    [property: Id(4)] bool GoOnAfterOops,
    [property: Id(5)] int MaxSteps,
    [property: Id(6)] bool StaysUp = false);

/// <summary>What a grain is to its SoC.</summary>
/// <param name="Kind">The kind of owner; null for a CPU.</param>
/// <param name="Index">Which one.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.part")]
internal readonly record struct SocPart([property: Id(0)] HomeKind? Kind, [property: Id(1)] int Index);

/// <summary>A hash of the state of one or all grains of a SoC.</summary>
/// <param name="Low">Lower half.</param>
/// <param name="High">Upper half.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.state")]
internal readonly record struct StateMessage([property: Id(0)] ulong Low, [property: Id(1)] ulong High)
{
    /// <summary>Wraps a hash.</summary>
    public static StateMessage Of(StateHash hash) => new(hash.Low, hash.High);

    /// <summary>Unwraps it.</summary>
    public StateHash ToHash() => new(Low, High);
}

/// <summary>How far a boot is.</summary>
internal enum BootPhase
{
    /// <summary>There is no such boot; where there was one, its SoC was lost.</summary>
    Unknown,

    /// <summary>Its threads run or wait.</summary>
    Running,

    /// <summary>It stays up, and no thread is left.</summary>
    AtRest,

    /// <summary>It has ended.</summary>
    Ended,
}

/// <summary>How far a boot is.</summary>
/// <param name="Phase">How far.</param>
/// <param name="Report">How it ended, once it has and could not tell its observer.</param>
/// <param name="Steps">Steps that its threads asked for so far: while they grow, it is slow and not stuck.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.boot-status")]
internal sealed record BootStatus([property: Id(0)] BootPhase Phase, [property: Id(1)] BootReport? Report = null, [property: Id(2)] long Steps = 0);

/// <summary>How a boot ended.</summary>
/// <param name="End">How.</param>
/// <param name="Findings">What was seen, each once.</param>
/// <param name="State">The hash of all words.</param>
/// <param name="Steps">Steps taken.</param>
/// <param name="Failure">A fault of our own, or null.</param>
/// <param name="IsLost">True when a silo took a part of the SoC with it: the rest tells nothing.</param>
/// <param name="Switches">A bit for each profile switch that flows asked for.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.boot-report")]
internal sealed record BootReport(
    [property: Id(0)] ScheduleEnd End,
    [property: Id(1)] ImmutableArray<FindingMessage> Findings,
    [property: Id(2)] StateMessage State,
    [property: Id(3)] long Steps,
    [property: Id(4)] string? Failure,
    [property: Id(5)] bool IsLost = false,
    [property: Id(6)] ulong Switches = 0);
