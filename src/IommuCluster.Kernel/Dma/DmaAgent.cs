using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;

namespace IommuCluster.Kernel.Dma;

/// <summary>The hardware of a device: makes a bounded number of transfers through the translation in force.</summary>
internal static class DmaAgent
{
    private const ulong BufferBase = 0x4000_0000;
    private const int BufferShift = 20;

    /// <summary>A buffer's physical address: each device owns a mebibyte of its own.</summary>
    /// <param name="dev">The device.</param>
    /// <returns>The first page.</returns>
    internal static ulong BufferOf(Device dev) => BufferBase + ((ulong)dev.Number << BufferShift);

    /// <summary>The hardware as a thread.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="dev">The device; its engine's registers are set.</param>
    /// <returns>The thread.</returns>
    internal static ThreadStart Start(Machine machine, Device dev) =>
        new($"dma {machine.FactsOf(dev).Name}", t => Transfers(t, dev), IsHardware: true);

    /// <summary>Tells the hardware of a device where to transfer, and starts it.</summary>
    /// <param name="t">The driver's thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="address">A DMA address, of the DMA API that the device has now.</param>
    /// <returns>Completes when the hardware runs.</returns>
    [KernelSource("include/asm-generic/io.h", "writel")]
    internal static async ValueTask Begin(KernelThread t, Device dev, ulong address)
    {
        var engine = t.Machine.EngineOf(dev.Number);
        await t.Store(engine.Ops, await t.Load(dev.DmaOps), Marking.Hardware);
        await t.Store(engine.Stop, false, Marking.Hardware);
        await t.Store(engine.Target, address, Marking.Hardware);
        await t.Spawn(Start(t.Machine, dev));
    }

    /// <summary>Stops the hardware of a device and waits until it has stopped.</summary>
    /// <param name="t">The driver's thread.</param>
    /// <param name="dev">The device; its hardware was started.</param>
    /// <returns>The DMA address that it was given.</returns>
    [KernelSource("include/linux/iopoll.h", "readl_poll_timeout")]
    internal static async ValueTask<ulong> End(KernelThread t, Device dev)
    {
        var engine = t.Machine.EngineOf(dev.Number);
        await t.Store(engine.Stop, true, Marking.Hardware);
        await t.WaitFor(engine.Idle);
        return await t.Load(engine.Target, Marking.Hardware);
    }

    private static async ValueTask Transfers(KernelThread t, Device dev)
    {
        using var frame = t.Call("DMA");
        var engine = t.Machine.EngineOf(dev.Number);
        for (var i = 0; i < t.Machine.Plan.Transfers && !await t.Load(engine.Stop, Marking.Hardware); i++)
        {
            await Transfer(t, dev, engine);
        }

        await t.Complete(engine.Idle);
    }

    private static async ValueTask Transfer(KernelThread t, Device dev, DmaEngine engine)
    {
        var address = await t.Load(engine.Target, Marking.Hardware);
        var state = await t.Load(t.Machine.StreamOf(dev.Number).State, Marking.Hardware);
        if (state == DmaStream.Fault)
        {
            await Fault(t, dev, engine, address, "stream that its IOMMU faults");
            return;
        }

        var physical = (ulong?)address;
        var way = "untranslated stream";
        if (state != DmaStream.Off && state != DmaStream.Bypass)
        {
            var domain = new IommuDomain(state);
            var type = await t.Load(domain.Type, Marking.Hardware);
            if (type >= DomainType.Unmanaged)
            {
                way = "translated stream";
                var tables = t.Machine.Ops[await t.Load(domain.Owner, Marking.Hardware) - 1].Tables;
                var top = await t.Load(domain.Pgd, Marking.Hardware);
                physical = top.IsNull ? null : await IoPageTable.Walk(t, new PageTable(top), tables, address);
            }
            else if (type == DomainType.Blocked)
            {
                physical = null;
                way = "blocked stream";
            }
        }

        if (physical is null)
        {
            await Fault(t, dev, engine, address, way);
        }
        else if (physical.Value >> BufferShift != BufferOf(dev) >> BufferShift)
        {
            t.Report(FindingKind.IsolationBreach, OpsName(await t.Load(engine.Ops, Marking.Hardware)), way,
                $"{NameOf(t, dev)}: DMA address 0x{address:x} reaches physical 0x{physical:x}, which is not its own ({way})");
        }
    }

    private static async ValueTask Fault(KernelThread t, Device dev, DmaEngine engine, ulong address, string way)
    {
        var ops = OpsName(await t.Load(engine.Ops, Marking.Hardware));
        var specifiers = t.Machine.FactsOf(dev).Iommus;
        var iommu = specifiers.IsEmpty || specifiers[0].Iommu < 0 ? "(none)" : t.Machine.Devices[specifiers[0].Iommu].Name;
        var stream = specifiers.IsEmpty || specifiers[0].Cells.IsEmpty ? "0" : $"0x{specifiers[0].Cells[0]:x}";
        t.Report(FindingKind.ContextFault, ops, way,
            $"{iommu}: Unhandled context fault: iova=0x{address:x}, cbfrsynra={stream}: {NameOf(t, dev)} uses an address from {ops} on a {way}");
    }

    private static string OpsName(DmaOps ops) => ops switch
    {
        DmaOps.Direct => "dma-direct",
        DmaOps.IommuDma => "iommu-dma",
        DmaOps.ArmMapping => "arm-iommu-mapping",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string NameOf(KernelThread t, Device dev) => t.Machine.FactsOf(dev).Name;
}
