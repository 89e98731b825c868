using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Dma;

/// <summary>The registers of a device that does DMA: where to, whether, and a signal when it has stopped.</summary>
internal readonly record struct DmaEngine(Address Address) : IKernelObject<DmaEngine>
{
    private static readonly Layout s_layout = new("dma_engine");
    private static readonly FieldDescriptor s_address = s_layout.Word("address", 0, 0);
    private static readonly FieldDescriptor s_ops = s_layout.Word("ops", 4, 8);
    private static readonly FieldDescriptor s_stop = s_layout.Word("stop", 8, 16);
    private static readonly FieldDescriptor s_idle = s_layout.Lock("idle", 12, 24, new LockClass("dma_engine.idle", LockKind.Completion));

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>The DMA address to access.</summary>
    public Field<ulong> Target => new(Address, s_address);

    /// <summary>Which implementation of the DMA API made the address; for reports.</summary>
    public Field<DmaOps> Ops => new(Address, s_ops);

    /// <summary>True when the driver wants no more transfers.</summary>
    public Field<bool> Stop => new(Address, s_stop);

    /// <summary>Signalled when the hardware has stopped.</summary>
    public Completion Idle => new(Address, s_idle);
}

/// <summary>
/// What an IOMMU's hardware does with a device's transactions now: nothing yet, bypass, fault, or a domain. Apart
/// from what the core and the driver believe.
/// </summary>
internal readonly record struct DmaStream(Address Address) : IKernelObject<DmaStream>
{
    private static readonly Layout s_layout = new("stream");
    private static readonly FieldDescriptor s_state = s_layout.Word("translation", 0, 0);

    /// <summary>The IOMMU is off or does not know the device: the DMA address is the physical one.</summary>
    public static readonly Address Off = new(0);

    /// <summary>The IOMMU passes the device's transactions through.</summary>
    public static readonly Address Bypass = new(1);

    /// <summary>The IOMMU faults the device's transactions.</summary>
    public static readonly Address Fault = new(2);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>One of the constants, or the domain whose tables translate.</summary>
    public Field<Address> State => new(Address, s_state);
}
