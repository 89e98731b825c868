using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>An object with a little of everything, for hand-built programs.</summary>
public readonly record struct Box(Address Address) : IKernelObject<Box>
{
    private static readonly Layout s_layout = new("box");
    private static readonly FieldDescriptor s_x = s_layout.Word("x", 0, 0);
    private static readonly FieldDescriptor s_y = s_layout.Word("y", 4, 8);
    private static readonly FieldDescriptor s_next = s_layout.Word("next", 8, 16);
    private static readonly FieldDescriptor s_count = s_layout.Word("count", 12, 24);
    private static readonly FieldDescriptor s_a = s_layout.Lock("a", 16, 32, new LockClass("&box->a", LockKind.Mutex));
    private static readonly FieldDescriptor s_b = s_layout.Lock("b", 20, 40, new LockClass("&box->b", LockKind.Mutex));
    private static readonly FieldDescriptor s_c = s_layout.Lock("c", 24, 48, new LockClass("&box->c", LockKind.Mutex));
    private static readonly FieldDescriptor s_device = s_layout.Lock("mutex", 28, 56, new LockClass("&dev->mutex", LockKind.Mutex, NoValidate: true));
    private static readonly FieldDescriptor s_spin = s_layout.Lock("spin", 32, 64, new LockClass("&box->spin", LockKind.Spin));
    private static readonly FieldDescriptor s_sem = s_layout.Lock("sem", 36, 72, new LockClass("&box->sem", LockKind.RwSem));
    private static readonly FieldDescriptor s_done = s_layout.Lock("done", 40, 80, new LockClass("&box->done", LockKind.Completion));
    private static readonly FieldDescriptor s_queue = s_layout.Lock("queue", 44, 88, new LockClass("&box->queue", LockKind.WaitQueue));
    private static readonly FieldDescriptor s_tail = s_layout.Tail("ids", 48, 96);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    public Field<ulong> X => new(Address, s_x);

    public Field<ulong> Y => new(Address, s_y);

    public Field<Box> Next => new(Address, s_next);

    public Field<long> Count => new(Address, s_count);

    public Mutex A => new(Address, s_a);

    public Mutex B => new(Address, s_b);

    public Mutex C => new(Address, s_c);

    /// <summary>A mutex that real lockdep does not validate, as <c>dev-&gt;mutex</c>.</summary>
    public Mutex DeviceMutex => new(Address, s_device);

    public SpinLock Spin => new(Address, s_spin);

    public RwSem Sem => new(Address, s_sem);

    public Completion Done => new(Address, s_done);

    public WaitQueue Queue => new(Address, s_queue);

    public bool IsNull => Address.IsNull;

    public Field<ulong> Id(int index) => new(Address, s_tail, index);

    /// <summary>A box that <see cref="Programs"/> made at boot.</summary>
    public static Box At(int number) => new(Address.Create(Home.Soc, thread: 1, count: number));
}
