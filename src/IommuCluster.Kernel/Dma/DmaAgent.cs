using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.PageTables;

namespace IommuCluster.Kernel.Dma;

/// <summary>The hardware of a device: makes a bounded number of transfers through the translation in force.</summary>
internal static class DmaAgent
{
    /// <summary>Bytes of a page.</summary>
    internal const ulong PageBytes = 4096;

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

    /// <summary>The hardware of a device as the boot loader left it, as a thread: a transfer at first, and one whenever its translation changes. A stage of the boot that finds it so has one.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The thread; it ends when a driver has taken the device over, and keeps no stage from ending.</returns>
    internal static ThreadStart StartAtBoot(Machine machine, Device dev) =>
        new($"dma {machine.FactsOf(dev).Name} (boot)", t => TransfersAtBoot(t, dev), IsHardware: true);

    /// <summary>What the boot loader told the hardware: to use the memory that firmware reserves for it, or else a buffer of its own.</summary>
    /// <param name="facts">The device.</param>
    /// <returns>A physical address.</returns>
    internal static ulong BootBufferOf(DeviceFacts facts) =>
        facts.Regions.FirstOrDefault(region => region.Type == ResvType.Direct)?.Start ?? BufferOf(Machine.DeviceAt(facts.Number));

    /// <summary>Stops what the boot loader left running, where it did.</summary>
    /// <param name="t">The driver's thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when no more such transfers begin; one that is under way ends as it may.</returns>
    [KernelSource("include/asm-generic/io.h", "writel")]
    internal static async Flow TakeOver(KernelThread t, Device dev)
    {
        if (t.Machine.FactsOf(dev).IsLiveAtBoot)
        {
            var engine = t.Machine.EngineOf(dev.Number);
            await t.Store(engine.Live, false, Marking.Hardware);
            await t.WakeUp(t.Machine.StreamOf(dev.Number).Changed);
        }
    }

    /// <summary>Tells the hardware of a device where to transfer, and starts it.</summary>
    /// <param name="t">The driver's thread.</param>
    /// <param name="dev">The device.</param>
    /// <param name="address">A DMA address, of the DMA API that the device has now.</param>
    /// <returns>Completes when the hardware runs.</returns>
    [KernelSource("include/asm-generic/io.h", "writel")]
    internal static async Flow Begin(KernelThread t, Device dev, ulong address)
    {
        await TakeOver(t, dev);
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
    internal static async Flow<ulong> End(KernelThread t, Device dev)
    {
        var engine = t.Machine.EngineOf(dev.Number);
        await t.Store(engine.Stop, true, Marking.Hardware);
        await t.WaitFor(engine.Idle);
        return await t.Load(engine.Target, Marking.Hardware);
    }

    private static async Flow Transfers(KernelThread t, Device dev)
    {
        using var frame = t.Call("DMA");
        var engine = t.Machine.EngineOf(dev.Number);
        for (var i = 0; i < t.Machine.Plan.Transfers && !await t.Load(engine.Stop, Marking.Hardware); i++)
        {
            await Transfer(t, dev, engine);
        }

        await t.Complete(engine.Idle);
    }

    private static async Flow TransfersAtBoot(KernelThread t, Device dev)
    {
        using var frame = t.Call("DMA");
        var engine = t.Machine.EngineOf(dev.Number);
        var stream = t.Machine.StreamOf(dev.Number);
        while (true)
        {
            var ticket = await t.PrepareToWait(stream.Changed);
            if (!await t.Load(engine.Live, Marking.Hardware))
            {
                return;
            }

            await Transfer(t, dev, engine);
            await t.WaitEvent(stream.Changed, ticket);
        }
    }

    private static async Flow Transfer(KernelThread t, Device dev, DmaEngine engine)
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
                physical = top.IsNull ? null : await IoPageTable.Walk(t, new PageTable(top), tables, address, Marking.Hardware);
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
        else if (!IsOwn(t.Machine.FactsOf(dev), physical.Value))
        {
            t.Report(FindingKind.IsolationBreach, OpsName(await t.Load(engine.Ops, Marking.Hardware)), way,
                $"{NameOf(t, dev)}: DMA address 0x{address:x} reaches physical 0x{physical:x}, which is not its own ({way})");
        }
    }

    private static bool IsOwn(DeviceFacts facts, ulong physical) =>
        physical >> BufferShift == BufferOf(Machine.DeviceAt(facts.Number)) >> BufferShift || facts.Regions.Any(region => region.Contains(physical));

    private static async Flow Fault(KernelThread t, Device dev, DmaEngine engine, ulong address, string way)
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
