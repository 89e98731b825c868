using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Tests.Memory;

/// <summary>Gives a bank one step after the other, as a runtime would.</summary>
internal sealed class BankDriver(bool hashing = false, int thread = 7)
{
    private int _count;

    public MemoryBank Bank { get; } = new(hashing);

    public Address Allocate(Layout layout, int tail = 0) => Allocate(Address.Create(Home.Soc, thread, _count++), layout, tail);

    public Address Allocate(Address at, Layout layout, int tail = 0)
    {
        var request = new StepRequest { Kind = StepKind.Allocate, Base = at, Layout = layout, Value = (ulong)(layout.Words + tail), Thread = thread };
        Apply(ref request);
        return at;
    }

    public StepResult Load(Address at, FieldDescriptor field, int index = 0) => Step(StepKind.Load, at, field, index: index);

    public StepResult Store(Address at, FieldDescriptor field, ulong value, int index = 0) => Step(StepKind.Store, at, field, value, index);

    public StepResult Free(Address at) => Step(StepKind.Free, at, field: null);

    public StepResult Step(StepKind kind, Address at, FieldDescriptor? field, ulong value = 0, int index = 0, ulong expected = 0, int? by = null)
    {
        var request = new StepRequest { Kind = kind, Base = at, Field = field, Value = value, Index = index, Expected = expected, Thread = by ?? thread };
        return Apply(ref request);
    }

    public bool CanProceed(StepKind kind, Address at, FieldDescriptor field, ulong value = 0)
    {
        var request = new StepRequest { Kind = kind, Base = at, Field = field, Value = value, Thread = thread };
        Bank.Resolve(ref request);
        return Bank.CanProceed(request);
    }

    private StepResult Apply(ref StepRequest request)
    {
        var result = default(StepResult);
        if (request.Kind != StepKind.Allocate)
        {
            Bank.Resolve(ref request);
        }

        Bank.Apply(ref request, ref result);
        return result;
    }
}
