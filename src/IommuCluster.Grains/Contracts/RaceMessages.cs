using System.Collections.Immutable;
using System.Runtime.InteropServices;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Contracts;

/// <summary>
/// What a thread has heard of, directly or through others: of each thread the last step that is ordered before its own
/// (a vector clock: Fidge, Mattern 1988). Thread ids are counted within a stage: what earlier stages did is ordered before.
/// </summary>
/// <param name="First">Id of the stage's first thread.</param>
/// <param name="Steps">Of the thread with id First + index the last step heard of; 0 for none; those beyond the end are unheard of.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.clock")]
internal sealed record VectorClock([property: Id(0)] int First, [property: Id(1)] ImmutableArray<int> Steps)
{
    /// <summary>The clock of a thread that starts with its stage.</summary>
    /// <param name="first">Id of the stage's first thread.</param>
    public static VectorClock At(int first) => new(first, []);

    /// <summary>Tells whether a step is ordered before whatever the thread does next.</summary>
    /// <param name="thread">Id of the step's thread.</param>
    /// <param name="sequence">The step.</param>
    public bool Knows(int thread, int sequence) => thread < First || (thread - First < Steps.Length && Steps[thread - First] >= sequence);

    /// <summary>This clock, having heard of a step, too.</summary>
    /// <param name="thread">Id of the step's thread.</param>
    /// <param name="sequence">The step.</param>
    public VectorClock With(int thread, int sequence)
    {
        if (Knows(thread, sequence))
        {
            return this;
        }

        var steps = Raisable(thread - First + 1);
        steps[thread - First] = sequence;
        return Of(steps);
    }

    /// <summary>This clock, having heard of all that another one has.</summary>
    /// <param name="other">The other; null for one that has heard of nothing.</param>
    /// <returns>This very clock when there was no news.</returns>
    public VectorClock Join(VectorClock? other)
    {
        if (other is null || other.First < First)
        {
            return this; // All that a former stage's clock tells is over.
        }

        int[]? steps = null;
        for (var index = 0; index < other.Steps.Length; index++)
        {
            if (!Knows(other.First + index, other.Steps[index]))
            {
                steps ??= Raisable(other.First + other.Steps.Length - First);
                steps[other.First + index - First] = other.Steps[index];
            }
        }

        return steps is null ? this : Of(steps);
    }

    private int[] Raisable(int length)
    {
        var steps = new int[Math.Max(Steps.Length, length)];
        Steps.CopyTo(steps);
        return steps;
    }

    private VectorClock Of(int[] steps) => new(First, ImmutableCollectionsMarshal.AsImmutableArray(steps));
}

/// <summary>An access to a word, by where in the code it is.</summary>
/// <param name="Cpu">The CPU that made it.</param>
/// <param name="Site">The number that the CPU gave to the place.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.access")]
internal sealed record AccessMessage([property: Id(0)] int Cpu, [property: Id(1)] int Site);

/// <summary>Two accesses to a word, neither ordered before the other.</summary>
/// <param name="First">The one that came first.</param>
/// <param name="Second">The other.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.race")]
internal sealed record RaceMessage([property: Id(0)] AccessMessage First, [property: Id(1)] AccessMessage Second);

/// <summary>A place of the code that accesses memory.</summary>
/// <param name="Function">The kernel function.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Marking">How the access is marked.</param>
/// <param name="Type">The kernel type of the object; null for an access that names no field.</param>
/// <param name="Field">The field; null for an access that names none.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.site")]
internal readonly record struct SiteMessage(
    [property: Id(0)] string Function,
    [property: Id(1)] StepKind Kind,
    [property: Id(2)] Marking Marking,
    [property: Id(3)] string? Type,
    [property: Id(4)] string? Field);
