namespace IommuCluster.Kernel.Memory;

/// <summary>An embedded <c>list_head</c>: walking a list is steps like everything else.</summary>
/// <param name="Address">Where the two words are.</param>
internal readonly record struct ListHead(Address Address)
{
    private static readonly Layout s_layout = new("list_head");
    private static readonly FieldDescriptor s_next = s_layout.Word("next", 0, 0);
    private static readonly FieldDescriptor s_prev = s_layout.Word("prev", 4, 8);

    /// <summary>The next entry, or the head itself.</summary>
    public Field<Address> Next => new(Address, s_next);

    /// <summary>The entry before, or the head itself.</summary>
    public Field<Address> Prev => new(Address, s_prev);

    /// <summary>A list head embedded in an object.</summary>
    /// <param name="container">The object.</param>
    /// <param name="field">The field, declared with <see cref="Layout.List"/>.</param>
    /// <returns>The list head.</returns>
    public static ListHead In(Address container, FieldDescriptor field) => new(container.Plus(field.Word));

    /// <summary>The object that embeds an entry (Linux: <c>container_of</c>).</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="field">The field that it is.</param>
    /// <returns>The object.</returns>
    public static Address ContainerOf(Address entry, FieldDescriptor field) => entry.Plus(-field.Word);
}

/// <summary>The list operations of <c>include/linux/list.h</c>.</summary>
internal static class Lists
{
    /// <summary>Makes a list head empty (Linux: <c>INIT_LIST_HEAD</c>).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="head">The head or entry.</param>
    /// <returns>Completes when both words are written.</returns>
    public static async Flow Init(KernelThread t, ListHead head)
    {
        await t.WriteOnce(head.Next, head.Address);
        await t.Store(head.Prev, head.Address);
    }

    /// <summary>Appends an entry (Linux: <c>list_add_tail</c>).</summary>
    /// <param name="t">The running thread; holds the list's lock.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="head">The list.</param>
    /// <returns>Completes when the entry is linked.</returns>
    public static async Flow AddTail(KernelThread t, ListHead entry, ListHead head)
    {
        var last = new ListHead(await t.Load(head.Prev));
        await t.Store(head.Prev, entry.Address);
        await t.Store(entry.Next, head.Address);
        await t.Store(entry.Prev, last.Address);
        await t.WriteOnce(last.Next, entry.Address);
    }

    /// <summary>Unlinks an entry, which goes on pointing at its old neighbours (Linux: <c>__list_del_entry</c>).</summary>
    /// <param name="t">The running thread; holds the list's lock.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>Completes when the entry is unlinked.</returns>
    public static async Flow Del(KernelThread t, ListHead entry)
    {
        var next = new ListHead(await t.Load(entry.Next));
        var prev = new ListHead(await t.Load(entry.Prev));
        await t.Store(next.Prev, prev.Address);
        await t.WriteOnce(prev.Next, next.Address);
    }

    /// <summary>Unlinks an entry and makes it empty (Linux: <c>list_del_init</c>).</summary>
    /// <param name="t">The running thread; holds the list's lock.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>Completes when the entry is unlinked.</returns>
    public static async Flow DelInit(KernelThread t, ListHead entry)
    {
        await Del(t, entry);
        await Init(t, entry);
    }

    /// <summary>Tells whether a list is empty, or an entry is on no list (Linux: <c>list_empty</c>).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="head">The head or entry.</param>
    /// <returns>True when it points at itself.</returns>
    public static async Flow<bool> IsEmpty(KernelThread t, ListHead head) => await t.ReadOnce(head.Next) == head.Address;
}
