using System.Collections.Immutable;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// A client driver as they all are at heart: maps a buffer, has the hardware use it, and on removal stops the
/// hardware before it unmaps. One for each first <c>compatible</c> that no modelled driver serves.
/// </summary>
/// <param name="compatible">What it serves; also its name.</param>
internal sealed class GenericClient(string compatible) : DeviceDriver(compatible, InitcallLevel.Device)
{
    /// <inheritdoc/>
    public override bool IsClient => true;

    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) =>
        !device.IsIommu && !device.Node.Compatible.IsEmpty && device.Node.Compatible[0] == Name;

    /// <inheritdoc/>
    [KernelSource("(generic client driver)", "client_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        if (t.Machine.Plan.Transfers == 0)
        {
            return Errno.None;
        }

        using var frame = t.Call("client_probe");
        var address = await DmaMapping.DmaMapPage(t, dev, DmaAgent.BufferOf(dev));
        if (address == DmaMapping.MappingError)
        {
            return Errno.ENoMem;
        }

        await DmaAgent.Begin(t, dev, address);
        return Errno.None;
    }

    /// <inheritdoc/>
    [KernelSource("(generic client driver)", "client_remove")]
    public override async Flow Remove(KernelThread t, Device dev)
    {
        if (t.Machine.Plan.Transfers == 0)
        {
            return;
        }

        using var frame = t.Call("client_remove");
        await DmaMapping.DmaUnmapPage(t, dev, await DmaAgent.End(t, dev));
    }
}

/// <summary>A supplier without DMA: a clock, a power domain, a phy. Binding is all that its consumers wait for.</summary>
/// <param name="compatible">What it serves; also its name.</param>
internal sealed class GenericSupplier(string compatible) : DeviceDriver(compatible, InitcallLevel.Core)
{
    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) =>
        !device.IsIommu && device.Iommus.IsEmpty && !device.Node.Compatible.IsEmpty && device.Node.Compatible[0] == Name;

    /// <inheritdoc/>
    public override Flow<Errno> Probe(KernelThread t, Device dev) => Flow.FromResult(Errno.None);
}
