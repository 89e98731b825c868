using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Contracts;

/// <summary>Starts a thread of a stage. What it runs is known to every silo that knows the boot; code does not travel.</summary>
/// <param name="Thread">Its id.</param>
/// <param name="Slot">Its slot in the stage.</param>
/// <param name="Cpu">Where it runs.</param>
/// <param name="Stage">The stage; -1 for a spawned thread, whose parent knows what it runs.</param>
/// <param name="Index">Its place in the stage.</param>
/// <param name="First">Id of the stage's first thread.</param>
/// <param name="Operation">What it does, for a thread that somebody asked for; else null.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.thread")]
internal sealed record ThreadOrder(
    [property: Id(0)] int Thread,
    [property: Id(1)] int Slot,
    [property: Id(2)] int Cpu,
    [property: Id(3)] int Stage,
    [property: Id(4)] int Index,
    [property: Id(5)] int First,
    [property: Id(6)] OperationMessage? Operation = null);

/// <summary>What a thread tells the SoC.</summary>
internal enum ThreadEvent
{
    /// <summary>It wants to take a step and waits until it may. Only where a schedule decides.</summary>
    Announced,

    /// <summary>A step of it was queued. It may have been granted meanwhile.</summary>
    Blocked,

    /// <summary>Its body returned.</summary>
    Ended,

    /// <summary>A step faulted: it is gone, its locks stay held.</summary>
    Oopsed,

    /// <summary>It took more steps than a boot may have.</summary>
    OverBound,

    /// <summary>A fault of our own.</summary>
    Failed,
}

/// <summary>A thread's report to the SoC.</summary>
/// <param name="Thread">Id of the thread.</param>
/// <param name="Number">The thread's count of reports, from 1: they are taken in order, and each once.</param>
/// <param name="Event">What happened.</param>
/// <param name="Sequence">Its latest step.</param>
/// <param name="LetIn">The waits that its steps ended since its last report.</param>
/// <param name="Findings">What it saw since its last report.</param>
/// <param name="Step">The step that it wants to take, with <see cref="ThreadEvent.Announced"/>.</param>
/// <param name="Failure">What went wrong, with <see cref="ThreadEvent.Failed"/>.</param>
/// <param name="Answer">What its operation came to, with <see cref="ThreadEvent.Ended"/>.</param>
/// <param name="IsLost">True when what went wrong is that somebody could not be reached.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.report")]
internal sealed record ThreadReport(
    [property: Id(0)] int Thread,
    [property: Id(1)] int Number,
    [property: Id(2)] ThreadEvent Event,
    [property: Id(3)] int Sequence,
    [property: Id(4)] ImmutableArray<WaitMessage> LetIn,
    [property: Id(5)] ImmutableArray<FindingMessage> Findings,
    [property: Id(6)] StepMessage? Step = null,
    [property: Id(7)] string? Failure = null,
    [property: Id(8)] OperationAnswer? Answer = null,
    [property: Id(9)] bool IsLost = false);

/// <summary>A finding on its way.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Function">The kernel function in which it showed.</param>
/// <param name="ObjectType">The kernel type concerned, or empty.</param>
/// <param name="Field">The field concerned, or empty.</param>
/// <param name="Other">The second function or class of a pair, or empty.</param>
/// <param name="Message">One line for people.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.finding")]
internal sealed record FindingMessage(
    [property: Id(0)] FindingKind Kind,
    [property: Id(1)] string Function,
    [property: Id(2)] string ObjectType,
    [property: Id(3)] string Field,
    [property: Id(4)] string Other,
    [property: Id(5)] string Message)
{
    /// <summary>Wraps a finding.</summary>
    public static FindingMessage Of(Finding finding) => new(finding.Kind, finding.Function, finding.ObjectType, finding.Field, finding.Other, finding.Message);

    /// <summary>Unwraps it.</summary>
    public Finding ToFinding() => new(Kind, Function, ObjectType, Field, Other, Message);
}

/// <summary>A thread that waits, told to whoever looks for the reason why nobody can run.</summary>
/// <param name="Thread">Its id.</param>
/// <param name="Slot">Its slot.</param>
/// <param name="Name">How reports call it.</param>
/// <param name="Function">The function that waits.</param>
/// <param name="Kind">What it waits to do.</param>
/// <param name="At">The word that it waits for.</param>
/// <param name="Type">The kernel type that embeds the word, or empty.</param>
/// <param name="WaitsFor">Lock class or field.</param>
/// <param name="IsSilent">True when real lockdep does not validate the lock.</param>
/// <param name="HeldForReading">The rwsems whose read side it holds.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.waiter")]
internal sealed record WaiterMessage(
    [property: Id(0)] int Thread,
    [property: Id(1)] int Slot,
    [property: Id(2)] string Name,
    [property: Id(3)] string Function,
    [property: Id(4)] StepKind Kind,
    [property: Id(5)] ulong At,
    [property: Id(6)] string Type,
    [property: Id(7)] string WaitsFor,
    [property: Id(8)] bool IsSilent,
    [property: Id(9)] ImmutableArray<ulong> HeldForReading);

/// <summary>What a CPU did.</summary>
/// <param name="Steps">Steps that its threads took.</param>
/// <param name="Findings">What they saw and had no report to put in.</param>
/// <param name="Races">The data races that they were told of.</param>
/// <param name="Edges">The orders in which they took locks, as far as they were new to the silo; empty where a schedule decides, for then the graph knows them.</param>
/// <param name="Switches">A bit for each profile switch that flows asked for, in this boot or earlier ones of the same machine on its silo.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.cpu-summary")]
internal sealed record CpuSummary(
    [property: Id(0)] long Steps,
    [property: Id(1)] ImmutableArray<FindingMessage> Findings,
    [property: Id(2)] ImmutableArray<RaceMessage> Races,
    [property: Id(3)] ImmutableArray<LockEdgeMessage> Edges,
    [property: Id(4)] ulong Switches = 0);
