using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>Tells which announced steps conflict: where their order can make a difference, or where they race.</summary>
internal static class Conflict
{
    /// <summary>Tells whether two steps touch one word (or one of them frees its object) and not both only look.</summary>
    /// <param name="a">A step.</param>
    /// <param name="b">Another thread's step.</param>
    /// <returns>True when they conflict.</returns>
    public static bool Between(in StepRequest a, in StepRequest b)
    {
        if (a.Base.Object != b.Base.Object || a.Base.IsNull)
        {
            return a.Kind == StepKind.Spawn && b.Kind == StepKind.Spawn; // Both hand out the next id.
        }

        if (a.Kind == StepKind.Allocate || b.Kind == StepKind.Allocate)
        {
            return false;
        }

        return a.Kind == StepKind.Free || b.Kind == StepKind.Free || (WordOf(a) == WordOf(b) && !(OnlyLooks(a.Kind) && OnlyLooks(b.Kind)) && !AreBothShared(a.Kind, b.Kind));
    }

    /// <summary>Tells whether two steps are a data race when both can be taken: they conflict, and at least one is unmarked.</summary>
    /// <param name="runtime">Where they are announced.</param>
    /// <param name="a">A thread.</param>
    /// <param name="b">Another thread.</param>
    /// <returns>True for a data race; false when the object is gone already, which is another finding.</returns>
    public static bool IsRace(DeterministicRuntime runtime, KernelThread a, KernelThread b)
    {
        ref readonly var first = ref a.Request;
        ref readonly var second = ref b.Request;
        return first.Kind <= StepKind.Free && second.Kind <= StepKind.Free
            && Between(first, second)
            && (first.Marking == Marking.Plain || second.Marking == Marking.Plain)
            && IsChecked(first.Marking) && IsChecked(second.Marking)
            && !a.Start.IsHardware && !b.Start.IsHardware
            && runtime.Bank.Peek(first.Base, first.Kind == StepKind.Free ? 0 : first.Field!.Word + first.Index) is not null;
    }

    private static bool IsChecked(Marking marking) => marking is not (Marking.DataRace or Marking.Hardware);

    private static int WordOf(in StepRequest request) => request.Base.Offset + (request.Field?.Word ?? 0) + request.Index;

    private static bool OnlyLooks(StepKind kind) => kind is StepKind.Load or StepKind.WaitEvent or StepKind.SynchronizeRcu;

    private static bool AreBothShared(StepKind a, StepKind b) =>
        a is StepKind.ReadLock or StepKind.ReadUnlock or StepKind.RcuReadLock or StepKind.RcuReadUnlock
        && b is StepKind.ReadLock or StepKind.ReadUnlock or StepKind.RcuReadLock or StepKind.RcuReadUnlock;
}
