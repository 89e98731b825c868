using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>Puts a step that faulted into the kernel's words; what it has said before it says again.</summary>
/// <param name="architecture">Decides the byte offsets.</param>
internal sealed class Oopses(Architecture architecture)
{
    private readonly List<(OopsSite Site, Finding Finding)> _said = [];

    /// <summary>The finding of a faulted step.</summary>
    /// <param name="entry">The step.</param>
    /// <param name="bank">The memory, for the type of a freed object.</param>
    /// <returns>The finding.</returns>
    public Finding Describe(in TraceEntry entry, MemoryBank bank)
    {
        // An address that was one is told by its type, and only the first sites are kept: a bug has few.
        var type = entry.Field?.Layout ?? bank.LayoutOf(entry.Base);
        var site = new OopsSite(entry.Fault, entry.Kind, entry.Function, type, entry.Field, entry.Index, entry.Base.IsObject ? Address.Null : entry.Base);
        foreach (var (said, finding) in _said)
        {
            if (said.IsSameAs(site))
            {
                return finding;
            }
        }

        var made = Describe(entry, type?.Name, architecture);
        if (_said.Count < 32)
        {
            _said.Add((site, made));
        }

        return made;
    }

    /// <summary>The finding of a faulted step, said for the first time.</summary>
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

    /// <summary>All that the finding of an oops tells.</summary>
    private readonly record struct OopsSite(FaultKind Fault, StepKind Kind, string Function, Layout? Type, FieldDescriptor? Field, int Index, Address Base)
    {
        public bool IsSameAs(in OopsSite other) =>
            Fault == other.Fault && Kind == other.Kind && Index == other.Index && Base == other.Base
            && ReferenceEquals(Field, other.Field) && ReferenceEquals(Type, other.Type) && Function == other.Function;
    }
}
