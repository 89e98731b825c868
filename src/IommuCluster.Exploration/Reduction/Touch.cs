using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>How a step touches its word.</summary>
internal enum Touch
{
    Look,
    Share,
    Write,

    /// <summary>Can tell when a lock is released without waiting for it.</summary>
    Try,

    /// <summary>Ends a critical section of its own. Never noted: those who wait cannot tell when.</summary>
    Release,
}

/// <summary>What touches do to each other.</summary>
internal static class Touches
{
    /// <summary>The touch of a step that is no release of one's own lock.</summary>
    /// <param name="kind">What the step does.</param>
    /// <returns>The touch.</returns>
    public static Touch Of(StepKind kind) => kind switch
    {
        StepKind.Load or StepKind.WaitEvent => Touch.Look,
        StepKind.ReadLock or StepKind.ReadUnlock or StepKind.RcuReadLock or StepKind.RcuReadUnlock => Touch.Share,
        _ => Touch.Write,
    };

    /// <summary>Tells whether somebody else's touch can interfere with one that is to be taken at once.</summary>
    /// <param name="trusted">The one to be taken.</param>
    /// <param name="other">The other one, as it was noted.</param>
    /// <returns>True when their order makes a difference.</returns>
    public static bool Conflict(Touch trusted, Touch other) => trusted switch
    {
        Touch.Look => other is Touch.Share or Touch.Write,
        Touch.Share => other is Touch.Look or Touch.Write,
        Touch.Write => other is not Touch.Try, // Who tries is noted as one who writes, too.
        Touch.Release => other is Touch.Look or Touch.Try,
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
