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
    private static readonly FieldDescriptor s_live = s_layout.Word("live", 16, 32);
    private static readonly FieldDescriptor s_idle = s_layout.Lock("idle", 12, 24, new LockClass("dma_engine.idle", LockKind.Completion));

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>The DMA address to access.</summary>
    public Field<ulong> Target => new(Address, s_address);

    /// <summary>Which implementation of the DMA API made the address; for reports.</summary>
    public Field<DmaOps> Ops => new(Address, s_ops);

    /// <summary>True when the driver wants no more transfers.</summary>
    public Field<bool> Stop => new(Address, s_stop);

    /// <summary>True while it does what the boot loader told it to.</summary>
    public Field<bool> Live => new(Address, s_live);

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
    private static readonly FieldDescriptor s_changed = s_layout.Lock("changed", 8, 8, new LockClass("stream.changed", LockKind.WaitQueue));

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

    /// <summary>Woken as <see cref="State"/> changes, for hardware that is at work already: as long as nothing changes, one transfer is like the other.</summary>
    public WaitQueue Changed => new(Address, s_changed);

    /// <summary>Has the hardware treat a device's transactions otherwise.</summary>
    /// <param name="t">The IOMMU driver's thread.</param>
    /// <param name="device">Number of the device.</param>
    /// <param name="state">One of the constants, or a domain.</param>
    /// <returns>Completes when the hardware does.</returns>
    [KernelSource("include/asm-generic/io.h", "writel")]
    internal static async Flow Set(KernelThread t, int device, Address state)
    {
        var stream = t.Machine.StreamOf(device);
        await t.Store(stream.State, state, Marking.Hardware);
        await Tell(t, device, stream);
    }

    /// <summary>As <see cref="Set"/>, for a device that nobody has set before.</summary>
    /// <param name="t">The IOMMU driver's thread.</param>
    /// <param name="device">Number of the device.</param>
    /// <param name="state">One of the constants, or a domain.</param>
    /// <returns>Completes when the hardware does.</returns>
    [KernelSource("include/asm-generic/io.h", "writel")]
    internal static async Flow SetFirst(KernelThread t, int device, Address state)
    {
        var stream = t.Machine.StreamOf(device);
        await t.CompareExchange(stream.State, Off, state);
        await Tell(t, device, stream);
    }

    private static async Flow Tell(KernelThread t, int device, DmaStream stream)
    {
        if (t.Machine.Devices[device].IsLiveAtBoot)
        {
            await t.WakeUp(stream.Changed);
        }
    }
}
