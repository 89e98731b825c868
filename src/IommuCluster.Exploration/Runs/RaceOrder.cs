using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>Two accesses that race, in the order in which a schedule met them.</summary>
/// <param name="First">Function of the earlier access.</param>
/// <param name="FirstKind">What it did.</param>
/// <param name="Second">Function of the later access.</param>
/// <param name="SecondKind">What it did.</param>
/// <param name="Field">The word concerned, as <c>type.field</c>; empty for a whole object.</param>
public sealed record RaceOrder(string First, StepKind FirstKind, string Second, StepKind SecondKind, string Field)
{
    /// <summary>The same pair in the other order; itself when both accesses are alike.</summary>
    public RaceOrder Flipped => new(Second, SecondKind, First, FirstKind, Field);

    /// <summary>True for the order by which a pair is called when it was met in both.</summary>
    internal bool IsLeading => string.CompareOrdinal(First, Second) is var functions && (functions < 0 || (functions == 0 && FirstKind <= SecondKind));

    /// <summary>Tells whether another order is of the same pair.</summary>
    /// <param name="other">The other.</param>
    /// <returns>True for this one and its flipped one.</returns>
    internal bool IsPairOf(RaceOrder other) => this == other || this == other.Flipped;

    /// <summary>The order of two steps.</summary>
    /// <param name="first">The earlier one.</param>
    /// <param name="second">The later one.</param>
    /// <returns>The order.</returns>
    internal static RaceOrder Of(in TraceEntry first, in TraceEntry second) =>
        new(first.Function, first.Kind, second.Function, second.Kind, (first.Field ?? second.Field)?.ToString() ?? string.Empty);
}

/// <summary>A racing pair and the first schedule that met it in this order.</summary>
/// <param name="Order">The pair.</param>
/// <param name="Schedule">Number of the schedule.</param>
/// <param name="Hint">How to meet it in the other order; null where nobody wants to.</param>
public sealed record RaceOrderSeen(RaceOrder Order, long Schedule, RaceHint? Hint);

/// <summary>A racing pair that is to be met in the other order.</summary>
/// <param name="Order">The pair, as it was met.</param>
/// <param name="Hint">How to meet it in the other order.</param>
/// <param name="Tries">Schedules that tried to.</param>
public sealed record PendingFlip(RaceOrder Order, RaceHint Hint, int Tries);
