using System.Numerics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>
/// Tells which announced steps are independent of all that other threads can do before them, so that taking one at
/// once loses no state and no finding: a persistent set of one (Godefroid, LNCS 1032, 1996).
/// </summary>
internal static class Independence
{
    /// <summary>A thread that can run and whose step nobody else can tell the time of.</summary>
    /// <param name="choice">Who can run.</param>
    /// <returns>Its slot, or -1.</returns>
    public static int Find(in Choice choice)
    {
        for (var enabled = choice.Enabled; enabled != 0; enabled &= enabled - 1)
        {
            var slot = BitOperations.TrailingZeroCount(enabled);
            if (IsIndependent(choice.Runtime, choice.Runtime.Thread(slot)))
            {
                return slot;
            }
        }

        return -1;
    }

    private static bool IsIndependent(DeterministicRuntime runtime, KernelThread thread) => thread.Request.Kind switch
    {
        // The address is the thread's own count; nobody knows it yet.
        StepKind.Allocate => true,

        // Whoever wants the lock is blocked until it is released, and nothing else looks at it: a trylock would, and
        // the free of the object around it, so a lock to which that ever happened is left out.
        StepKind.Unlock => thread.Holds(thread.Request) && !runtime.CanTellRelease(thread.Request),
        _ => false,
    };
}
