using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>Puts a step that faulted into the kernel's words.</summary>
internal static class Oopses
{
    /// <summary>The finding of a faulted step.</summary>
    /// <param name="entry">The step.</param>
    /// <param name="objectType">The kernel type of the object, or null when there never was one; told where the step names no field.</param>
    /// <param name="architecture">Decides the byte offsets.</param>
    /// <returns>The finding.</returns>
    public static Finding Describe(in TraceEntry entry, string? objectType, Architecture architecture)
    {
        var field = entry.Field;
        var type = field?.Layout.Name ?? objectType ?? string.Empty;
        var name = field?.Name ?? string.Empty;
        var verb = VerbOf(entry);
        return new Finding(KindOf(entry.Fault), entry.Function, type, name, string.Empty, entry.Fault switch
        {
            FaultKind.NullDereference => $"BUG: kernel NULL pointer dereference, address: 0x{(field?.ByteOffset(architecture, entry.Index) ?? 0) + (long)entry.Base.Value:x} ({verb} {type}->{name} in {entry.Function})",
            FaultKind.UseAfterFree => $"BUG: KASAN: slab-use-after-free in {entry.Function}: {verb} {type}->{name}",
            FaultKind.DoubleFree => $"BUG: KASAN: double-free in {entry.Function}: {type}",
            FaultKind.OutOfBounds => $"BUG: KASAN: slab-out-of-bounds in {entry.Function}: {verb} {type}->{name}[{entry.Index}]",
            FaultKind.WildPointer => $"Unable to handle kernel paging request at virtual address {unchecked(entry.Base.Value + (ulong)(field?.ByteOffset(architecture, entry.Index) ?? 0)):x16} ({verb} {type}->{name} in {entry.Function})",
            _ => throw new System.Diagnostics.UnreachableException(),
        });
    }

    /// <summary>The step that freed what the faulted step touched.</summary>
    /// <param name="entry">The faulted step.</param>
    /// <param name="trace">The schedule.</param>
    /// <returns>Its number, or -1 when it is no use after free or the object was freed before the schedule.</returns>
    public static int FreeingStep(in TraceEntry entry, Trace trace)
    {
        if (entry.Fault is not (FaultKind.UseAfterFree or FaultKind.DoubleFree))
        {
            return -1;
        }

        for (var step = trace.Count - 2; step >= 0; step--)
        {
            if (trace[step].Kind == StepKind.Free && trace[step].Base.Object == entry.Base.Object)
            {
                return step;
            }
        }

        return -1;
    }

    private static FindingKind KindOf(FaultKind fault) => fault switch
    {
        FaultKind.NullDereference => FindingKind.NullDereference,
        FaultKind.UseAfterFree => FindingKind.UseAfterFree,
        FaultKind.DoubleFree => FindingKind.DoubleFree,
        FaultKind.OutOfBounds => FindingKind.OutOfBounds,
        FaultKind.WildPointer => FindingKind.WildPointer,
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string VerbOf(in TraceEntry entry) => entry.Kind switch
    {
        StepKind.Load => "read of",
        StepKind.Store or StepKind.Add or StepKind.Exchange or StepKind.CompareExchange => "write to",
        StepKind.Lock or StepKind.ReadLock or StepKind.TryLock => "lock of",
        StepKind.Unlock or StepKind.ReadUnlock => "unlock of",
        StepKind.Free => "free of",
        _ => "use of",
    };
}
