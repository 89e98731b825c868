using System.Collections.Immutable;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Contracts;

/// <summary>A step on its way to the grain that owns the word. Layouts do not travel: a bank needs offsets and sizes.</summary>
/// <param name="Thread">Id of the thread.</param>
/// <param name="Sequence">The thread's count of announced steps, from 1; a step that arrives twice has the same.</param>
/// <param name="Cpu">The CPU to which a grant goes.</param>
/// <param name="Kind">What to do.</param>
/// <param name="Base">The object, or a place inside it.</param>
/// <param name="Word">Word offset of the field from the base; -1 for steps that name no field.</param>
/// <param name="Index">Element of an array field.</param>
/// <param name="Value">The word to store or add; words of an allocation; the ticket or time to wait for.</param>
/// <param name="Expected">The word that a compare-exchange expects.</param>
/// <param name="Type">The kernel type of an allocation, else null.</param>
/// <param name="Marking">How the access is marked.</param>
/// <param name="Site">The number that the CPU gave to the place of the access; 0 where nobody looks for data races.</param>
/// <param name="Clock">What the thread has heard of, when the owner does not know it yet; else null.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.step")]
internal sealed record StepMessage(
    [property: Id(0)] int Thread,
    [property: Id(1)] int Sequence,
    [property: Id(2)] int Cpu,
    [property: Id(3)] StepKind Kind,
    [property: Id(4)] ulong Base,
    [property: Id(5)] int Word,
    [property: Id(6)] int Index,
    [property: Id(7)] ulong Value,
    [property: Id(8)] ulong Expected,
    [property: Id(9)] string? Type,
    [property: Id(10)] Marking Marking = Marking.Plain,
    [property: Id(11)] int Site = 0,
    [property: Id(12)] VectorClock? Clock = null);

/// <summary>What a step answered.</summary>
/// <param name="IsQueued">True when the thread has to wait: the answer comes as a <see cref="Grant"/>.</param>
/// <param name="Value">The word that the step answers.</param>
/// <param name="Fault">How it went wrong, if it did.</param>
/// <param name="Type">The kernel type of the object of a fault, where there is or was one.</param>
/// <param name="LetIn">The waits that the step ended; each gets a grant.</param>
/// <param name="Spawned">The thread that a spawn step starts, on the CPU of its parent.</param>
/// <param name="Clock">What the thread has heard of now, when the step told it news; else null.</param>
/// <param name="Races">The earlier accesses that this one races with; null for none.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.reply")]
internal sealed record StepReply(
    [property: Id(0)] bool IsQueued,
    [property: Id(1)] ulong Value,
    [property: Id(2)] FaultKind Fault,
    [property: Id(3)] string? Type,
    [property: Id(4)] ImmutableArray<WaitMessage> LetIn,
    [property: Id(5)] ThreadOrder? Spawned,
    [property: Id(6)] VectorClock? Clock = null,
    [property: Id(8)] ImmutableArray<AccessMessage>? Races = null)
{
    /// <summary>The answer of a step that has to wait.</summary>
    public static StepReply Queued { get; } = new(IsQueued: true, 0, FaultKind.None, null, [], null);

    /// <summary>The answer of a step that answers nothing.</summary>
    public static StepReply Done { get; } = new(IsQueued: false, 0, FaultKind.None, null, [], null);

    private static readonly ImmutableArray<StepReply> s_small = [.. Enumerable.Range(0, 16).Select(value => Done with { Value = (ulong)value })];

    /// <summary>The answer of a step that went well and tells nothing but a word. Most words are 0, or small: they have one answer each.</summary>
    /// <param name="value">The word.</param>
    public static StepReply Of(ulong value) => value < (ulong)s_small.Length ? s_small[(int)value] : Done with { Value = value };
}

/// <summary>A thread's wait.</summary>
/// <param name="Thread">Id of the thread.</param>
/// <param name="Sequence">The step that was queued.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.wait")]
internal readonly record struct WaitMessage([property: Id(0)] int Thread, [property: Id(1)] int Sequence);

/// <summary>The late answer of a queued step: a message of its own, from the grain that owns the word to the thread's CPU.</summary>
/// <param name="Thread">Id of the thread.</param>
/// <param name="Sequence">Which of its steps.</param>
/// <param name="Cpu">Where it runs.</param>
/// <param name="Reply">The answer.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.grant")]
internal sealed record Grant(
    [property: Id(0)] int Thread,
    [property: Id(1)] int Sequence,
    [property: Id(2)] int Cpu,
    [property: Id(3)] StepReply Reply);
