using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>Puts steps into words: <c>read device-&gt;iommu: dev_iommu</c>.</summary>
internal sealed class StepText
{
    private readonly DeterministicRuntime _runtime;
    private readonly Func<Home, string> _nameOf;
    private readonly HashSet<FieldDescriptor> _pointers = [];

    /// <summary>Looks at a schedule.</summary>
    /// <param name="runtime">The runtime that ran it.</param>
    /// <param name="nameOf">Names the owner of an object.</param>
    internal StepText(DeterministicRuntime runtime, Func<Home, string> nameOf)
    {
        _runtime = runtime;
        _nameOf = nameOf;
        for (var step = 0; step < runtime.Trace.Count; step++)
        {
            // A word that ever held an address is a pointer, so that its 0 is called NULL.
            ref readonly var entry = ref runtime.Trace[step];
            if (entry.Field is not null && (IsObject(entry.Value) || IsObject(entry.Result)))
            {
                _pointers.Add(entry.Field);
            }
        }
    }

    /// <summary>An object for people: its type and owner.</summary>
    /// <param name="address">The object, or a place inside it.</param>
    internal string NameOf(Address address)
    {
        var type = TypeOf(address);
        var owner = _nameOf(address.Home);
        return owner.Length == 0 ? type : $"{type} of {owner}";
    }

    /// <summary>A step in words, with the owner of what it touches.</summary>
    /// <param name="entry">The step.</param>
    internal string Of(in TraceEntry entry) => OwnerOf(entry) is { Length: > 0 } owner ? $"{What(entry)} ({owner})" : What(entry);

    /// <summary>The owner of the object that a step touches, for people; empty when there is none to tell.</summary>
    /// <param name="entry">The step.</param>
    internal string OwnerOf(in TraceEntry entry) => entry.Base.IsObject && entry.Base.Home.Kind != HomeKind.Soc ? _nameOf(entry.Base.Home) : string.Empty;

    /// <summary>A step in words.</summary>
    /// <param name="entry">The step.</param>
    internal string What(in TraceEntry entry)
    {
        var place = PlaceOf(entry);
        var what = entry.Kind switch
        {
            StepKind.Load => $"read {place}: {ValueOf(entry.Field, entry.Result)}",
            StepKind.Store => $"write {place} = {ValueOf(entry.Field, entry.Value)}",
            StepKind.Add => $"atomic add {unchecked((long)entry.Value)} to {place}: {unchecked((long)entry.Result)}",
            StepKind.Exchange => $"xchg {place} = {ValueOf(entry.Field, entry.Value)}: {ValueOf(entry.Field, entry.Result)}",
            StepKind.CompareExchange => $"cmpxchg {place} = {ValueOf(entry.Field, entry.Value)}: {ValueOf(entry.Field, entry.Result)}",
            StepKind.Allocate => $"alloc {TypeOf(entry.Base)}",
            StepKind.Free => entry.Base.IsNull ? "kfree(NULL)" : $"free {TypeOf(entry.Base)}",
            StepKind.Lock => $"lock {LockOf(entry)}",
            StepKind.TryLock => $"trylock {LockOf(entry)}: {(entry.Result != 0 ? "taken" : "busy")}",
            StepKind.Unlock => $"unlock {LockOf(entry)}",
            StepKind.ReadLock => $"down_read {LockOf(entry)}",
            StepKind.ReadUnlock => $"up_read {LockOf(entry)}",
            StepKind.WaitForCompletion => $"wait for completion {place}",
            StepKind.Complete => $"complete {place}",
            StepKind.WaitEvent => $"woken from {place}",
            StepKind.WakeUp => $"wake up {place}",
            StepKind.RcuReadLock => "rcu_read_lock",
            StepKind.RcuReadUnlock => "rcu_read_unlock",
            StepKind.SynchronizeRcu => "synchronize_rcu",
            StepKind.Spawn => "start a thread",
            StepKind.Sleep => $"sleep {TimeSpan.FromTicks((long)entry.Value).TotalMilliseconds} ms",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return entry.Fault switch
        {
            FaultKind.None => what,
            FaultKind.NullDereference => $"{FaultingVerb(entry)} {place} through NULL",
            FaultKind.UseAfterFree => $"{FaultingVerb(entry)} {place} after free",
            FaultKind.DoubleFree => $"double free of {TypeOf(entry.Base)}",
            FaultKind.WildPointer => $"{FaultingVerb(entry)} {place} through {entry.Base.Value:x16}",
            FaultKind.OutOfBounds => $"{FaultingVerb(entry)} {place} out of bounds",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static string FaultingVerb(in TraceEntry entry) => entry.Kind switch
    {
        StepKind.Load => "read",
        StepKind.Store or StepKind.Add or StepKind.Exchange or StepKind.CompareExchange => "write",
        StepKind.Lock or StepKind.TryLock or StepKind.ReadLock => "lock",
        StepKind.Unlock or StepKind.ReadUnlock => "unlock",
        _ => "use",
    };

    private static string LockOf(in TraceEntry entry) => entry.Field?.LockClass?.Name ?? entry.Field?.ToString() ?? "?";

    private static string PlaceOf(in TraceEntry entry)
    {
        if (entry.Field is not { } field)
        {
            return string.Empty;
        }

        var name = $"{field.Layout.Name}->{field.Name}";
        return ReferenceEquals(field, field.Layout.TailField) ? $"{name}[{entry.Index}]" : name;
    }

    private string TypeOf(Address address) => _runtime.Bank.LayoutOf(address)?.Name ?? "object";

    private string ValueOf(FieldDescriptor? field, ulong value)
    {
        if (IsObject(value))
        {
            return _runtime.Bank.LayoutOf(new Address(value))?.Name ?? $"0x{value:x}";
        }

        return value == 0 ? field is not null && _pointers.Contains(field) ? "NULL" : "0"
            : value == Address.Poison ? "0x6b6b6b6b6b6b6b6b"
            : new Address(value).IsError ? new Address(value).ToError().Name()
            : value < 10 ? $"{value}" : $"0x{value:x}";
    }

    private static bool IsObject(ulong value) => new Address(value).IsObject;
}
