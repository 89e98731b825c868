namespace IommuCluster.Kernel.Memory;

/// <summary>Who owns an object: the thing that is a grain in the cluster.</summary>
public enum HomeKind
{
    /// <summary>The SoC's globals.</summary>
    Soc = 0,

    /// <summary>A device; index is the device's number on the board.</summary>
    Device = 1,

    /// <summary>An IOMMU instance; index is the number of the IOMMU's device.</summary>
    Iommu = 2,

    /// <summary>An IOMMU group; a home of its own, made by a thread.</summary>
    Group = 3,

    /// <summary>An IOMMU domain with its page tables; a home of its own, made by a thread.</summary>
    Domain = 4,
}

/// <summary>The owner of an object. Its words are stepped where the owner lives.</summary>
/// <param name="Kind">What the owner is.</param>
/// <param name="Index">Which one, 0 to 131,071. A group's or domain's index names the thread that made it and how many that thread had made.</param>
public readonly record struct Home(HomeKind Kind, int Index)
{
    private const int ThreadBits = 10;
    private const int SerialBits = 7;

    /// <summary>The home of the SoC's globals.</summary>
    public static Home Soc => new(HomeKind.Soc, 0);

    /// <summary>The home that a thread makes for its <paramref name="serial"/>-th group or domain.</summary>
    /// <param name="kind"><see cref="HomeKind.Group"/> or <see cref="HomeKind.Domain"/>.</param>
    /// <param name="thread">Id of the making thread.</param>
    /// <param name="serial">How many homes it made before; below 128.</param>
    /// <returns>The home, the same in every schedule in which the thread gets as far.</returns>
    public static Home MadeBy(HomeKind kind, int thread, int serial)
    {
        if (serial >= 1 << SerialBits || thread >= 1 << ThreadBits)
        {
            throw new InvalidOperationException($"Thread {thread} makes its group or domain number {serial}; the address format holds {1 << SerialBits} for each of {1 << ThreadBits} threads.");
        }

        return new Home(kind, (thread << SerialBits) | serial);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Kind}{Index}";
}

/// <summary>
/// A pointer: home, allocating thread, that thread's count of allocations, and a word offset. It is canonical (the
/// same allocation has the same address in every schedule) and never used again after free.
/// </summary>
/// <param name="Value">The raw word; 0 is NULL, -4095 to -1 are error pointers, 0x6b6b6b6b6b6b6b6b is poison.</param>
public readonly record struct Address(ulong Value)
{
    /// <summary>What a freed word reads as (Linux: <c>include/linux/poison.h</c>, <c>POISON_FREE</c>).</summary>
    public const ulong Poison = 0x6b6b6b6b6b6b6b6b;

    private const ulong Tag = 0b11UL << 62;
    private const ulong OffsetMask = 0xffff;
    private const ulong ErrorFloor = unchecked((ulong)-4095L);

    /// <summary>The NULL pointer.</summary>
    public static Address Null => default;

    /// <summary>True for NULL.</summary>
    public bool IsNull => Value == 0;

    /// <summary>True for an error pointer (Linux: <c>IS_ERR</c>).</summary>
    public bool IsError => Value >= ErrorFloor;

    /// <summary>True when the value has the shape of an address made by <see cref="Create"/>.</summary>
    public bool IsObject => Value >= Tag && Value < (Tag | (0b111UL << 59));

    /// <summary>The address of the object's first word.</summary>
    public Address Object => new(Value & ~OffsetMask);

    /// <summary>Distance from the object's first word, in words.</summary>
    public int Offset => (int)(Value & OffsetMask);

    /// <summary>The owner. Meaningful when <see cref="IsObject"/>.</summary>
    public Home Home => new((HomeKind)((Value >> 59) & 0b111), (int)((Value >> 42) & 0x1ffff));

    /// <summary>Id of the allocating thread. Meaningful when <see cref="IsObject"/>.</summary>
    public int Thread => (int)((Value >> 32) & 0x3ff);

    /// <summary>Makes the address of an allocation.</summary>
    /// <param name="home">The owner.</param>
    /// <param name="thread">Id of the allocating thread, below 1,024.</param>
    /// <param name="count">How many objects it had allocated before, below 65,536.</param>
    /// <returns>The address of the object's first word.</returns>
    public static Address Create(Home home, int thread, int count)
    {
        if (thread is < 0 or > 0x3ff || count is < 0 or > 0xffff || home.Index is < 0 or > 0x1ffff)
        {
            throw new InvalidOperationException($"Allocation {count} of thread {thread} in {home} does not fit the address format.");
        }

        return new Address(Tag | ((ulong)home.Kind << 59) | ((ulong)home.Index << 42) | ((ulong)thread << 32) | ((ulong)count << 16));
    }

    /// <summary>The error pointer of an errno (Linux: <c>ERR_PTR</c>).</summary>
    /// <param name="error">The error.</param>
    /// <returns>A pointer for which <see cref="IsError"/> holds.</returns>
    public static Address FromError(Errno error) => new(unchecked((ulong)(long)(int)error));

    /// <summary>The errno in an error pointer (Linux: <c>PTR_ERR</c>).</summary>
    /// <returns>The error.</returns>
    public Errno ToError() => (Errno)unchecked((int)(long)Value);

    /// <summary>Moves by words within the object.</summary>
    /// <param name="words">Words to move; may be negative.</param>
    /// <returns>The moved address.</returns>
    public Address Plus(int words) => new(unchecked(Value + (ulong)words));

    /// <inheritdoc/>
    public override string ToString() => IsNull ? "NULL" : IsError ? ToError().Name() : $"{Value:x16}";
}
