using System.Collections.Immutable;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.PageTables;

/// <summary>The shape of a driver's page tables: 4 KiB pages, a level a run of address bits.</summary>
/// <param name="HasBlocks">True when an entry above the last level may map all that it covers at once.</param>
/// <param name="Levels">From the top: how far to shift the address, and how many bits index the table.</param>
internal sealed record TableGeometry(bool HasBlocks, params ImmutableArray<(int Shift, int Bits)> Levels)
{
    /// <summary>AArch64 LPAE with a 4 KiB granule and 39 bits of address, as 32- and 64-bit stage 1 use it here.</summary>
    public static TableGeometry Lpae39 { get; } = new(HasBlocks: true, (30, 9), (21, 9), (12, 9));

    /// <summary>Rockchip: two levels of 1,024 entries.</summary>
    public static TableGeometry Rockchip { get; } = new(HasBlocks: false, (22, 10), (12, 10));

    /// <summary>MediaTek's first generation: one flat table of 4 MiB, told here as two levels so that an empty one stays small.</summary>
    public static TableGeometry MtkV1 { get; } = new(HasBlocks: false, (22, 10), (12, 10));

    /// <summary>Whether an address is beyond what the tables can translate.</summary>
    /// <param name="iova">I/O virtual address.</param>
    /// <returns>True beyond the aperture.</returns>
    public bool IsBeyond(ulong iova) => iova >> (Levels[0].Shift + Levels[0].Bits) != 0;

    /// <summary>The largest page or block that can begin a mapping (Linux: <c>iommu_pgsize</c>).</summary>
    /// <param name="start">Both addresses or-ed: what is aligned in it is aligned in each.</param>
    /// <param name="lengthBytes">What is left to be mapped, at least one page.</param>
    /// <returns>The size in bytes.</returns>
    public ulong PageSizeFor(ulong start, ulong lengthBytes)
    {
        foreach (var (shift, _) in HasBlocks ? Levels : [])
        {
            if (lengthBytes >> shift != 0 && (start & ((1UL << shift) - 1)) == 0)
            {
                return 1UL << shift;
            }
        }

        return 1UL << Levels[^1].Shift;
    }
}

/// <summary>One table: a run of entries. An entry is 0, the address of the next table, or a physical page or block with bit 0 set.</summary>
internal readonly record struct PageTable(Address Address) : IKernelObject<PageTable>
{
    private static readonly Layout s_layout = new("io_pgtable");
    private static readonly FieldDescriptor s_entries = s_layout.Tail("pte", 0, 0);

    /// <summary>Entries of the largest table of any driver.</summary>
    public const int MaxEntries = 1024;

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>An entry.</summary>
    /// <param name="index">From 0.</param>
    /// <returns>The word.</returns>
    public Field<ulong> Entry(int index) => new(Address, s_entries, index);
}

/// <summary>Walking and changing page tables (Linux: <c>drivers/iommu/io-pgtable-arm.c</c>).</summary>
internal static class IoPageTable
{
    private const ulong Valid = 1;

    /// <summary>Makes an empty top-level table.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="home">The domain's home.</param>
    /// <param name="geometry">The tables' shape.</param>
    /// <returns>The table.</returns>
    [KernelSource("drivers/iommu/io-pgtable.c", "alloc_io_pgtable_ops")]
    internal static async Flow<PageTable> AllocIoPgtableOps(KernelThread t, Home home, TableGeometry geometry)
    {
        using var frame = t.Call();
        return await t.Allocate<PageTable>(home, tail: 1 << geometry.Levels[0].Bits);
    }

    /// <summary>Maps a page or block, making tables as needed. Several threads may map at the same time; a table that lost is freed.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="top">The top-level table.</param>
    /// <param name="geometry">The tables' shape.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <param name="physical">Physical address.</param>
    /// <param name="sizeBytes">One of the geometry's sizes; both addresses are aligned to it.</param>
    /// <returns>0; -EEXIST when something is mapped there; -ERANGE beyond the aperture.</returns>
    [KernelSource("drivers/iommu/io-pgtable-arm.c", "arm_lpae_map_pages")]
    internal static async Flow<Errno> Map(KernelThread t, PageTable top, TableGeometry geometry, ulong iova, ulong physical, ulong sizeBytes)
    {
        using var frame = t.Call();
        if (geometry.IsBeyond(iova))
        {
            return Errno.ERange;
        }

        var table = top;
        var level = 0;
        for (; 1UL << geometry.Levels[level].Shift > sizeBytes; level++)
        {
            var entry = table.Entry(IndexOf(geometry, level, iova));
            var next = await t.ReadOnce(entry);
            if (next == 0)
            {
                var made = await t.AllocateAtomic<PageTable>(table.Address.Home, tail: 1 << geometry.Levels[level + 1].Bits);
                next = await t.CompareExchange(entry, 0UL, made.Address.Value);
                if (next == 0)
                {
                    next = made.Address.Value;
                }
                else
                {
                    await t.Free(made);
                }
            }

            if ((next & Valid) != 0)
            {
                return Errno.EExist;
            }

            table = new PageTable(new Address(next));
        }

        var leaf = table.Entry(IndexOf(geometry, level, iova));
        if (await t.ReadOnce(leaf) != 0)
        {
            return Errno.EExist;
        }

        await t.WriteOnce(leaf, physical | Valid);
        return Errno.None;
    }

    /// <summary>Clears the entry that maps an address, a block as a whole. The hardware may remember it until it is told.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="top">The top-level table.</param>
    /// <param name="geometry">The tables' shape.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <returns>True when something was mapped there.</returns>
    [KernelSource("drivers/iommu/io-pgtable-arm.c", "arm_lpae_unmap_pages")]
    internal static async Flow<bool> Unmap(KernelThread t, PageTable top, TableGeometry geometry, ulong iova)
    {
        using var frame = t.Call();
        var table = top;
        for (var level = 0; level < geometry.Levels.Length; level++)
        {
            var field = table.Entry(IndexOf(geometry, level, iova));
            var entry = await t.ReadOnce(field);
            if (entry == 0)
            {
                return false;
            }

            if ((entry & Valid) != 0)
            {
                await t.WriteOnce(field, 0UL);
                return true;
            }

            table = new PageTable(new Address(entry));
        }

        return false;
    }

    /// <summary>Translates an address.</summary>
    /// <param name="t">The agent, or a thread that asks what is mapped.</param>
    /// <param name="top">The top-level table.</param>
    /// <param name="geometry">The tables' shape.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <param name="marking">Whose reads these are: the hardware's, or a thread's.</param>
    /// <returns>The physical address, or null when nothing is mapped.</returns>
    [KernelSource("drivers/iommu/io-pgtable-arm.c", "arm_lpae_iova_to_phys")]
    internal static async Flow<ulong?> Walk(KernelThread t, PageTable top, TableGeometry geometry, ulong iova, Marking marking)
    {
        if (geometry.IsBeyond(iova))
        {
            return null;
        }

        var table = top;
        foreach (var (shift, bits) in geometry.Levels)
        {
            var entry = await t.Load(table.Entry((int)(iova >> shift) & ((1 << bits) - 1)), marking);
            if (entry == 0)
            {
                return null;
            }

            if ((entry & Valid) != 0)
            {
                var within = (1UL << shift) - 1;
                return (entry & ~within) | (iova & within);
            }

            table = new PageTable(new Address(entry));
        }

        return null;
    }

    /// <summary>Frees all tables of a domain.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="table">The top-level table.</param>
    /// <param name="geometry">The tables' shape.</param>
    /// <param name="level">The table's level.</param>
    /// <returns>Completes when they are gone.</returns>
    [KernelSource("drivers/iommu/io-pgtable.c", "free_io_pgtable_ops")]
    internal static async Flow FreeIoPgtableOps(KernelThread t, PageTable table, TableGeometry geometry, int level = 0)
    {
        for (var index = 0; level < geometry.Levels.Length - 1 && index < 1 << geometry.Levels[level].Bits; index++)
        {
            var next = await t.ReadOnce(table.Entry(index));
            if (next != 0 && (next & Valid) == 0)
            {
                await FreeIoPgtableOps(t, new PageTable(new Address(next)), geometry, level + 1);
            }
        }

        await t.Free(table);
    }

    private static int IndexOf(TableGeometry geometry, int level, ulong iova) =>
        (int)(iova >> geometry.Levels[level].Shift) & ((1 << geometry.Levels[level].Bits) - 1);
}
