using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Userspace;

/// <summary>What an operation came to.</summary>
/// <param name="Error">0 or the error that its caller gets.</param>
/// <param name="Value">The address that it answers, where it answers one; else 0.</param>
public readonly record struct OperationResult(Errno Error, ulong Value = 0);

/// <summary>What somebody asks of a machine that has booted, each on a thread of its own: the kernel's flows, with their errors.</summary>
internal static class LiveOperations
{
    /// <summary>Binds a device to the driver that serves it, as a write to sysfs does.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>-ENODEV when no driver here serves it, or what the probe answers.</returns>
    [KernelSource("drivers/base/bus.c", "bind_store")]
    internal static async Flow<OperationResult> Bind(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        var driver = t.Machine.FactsOf(dev).Driver;
        return new(driver < 0 ? Errno.ENoDev : await DriverBinding.DeviceDriverAttach(t, dev, driver));
    }

    /// <summary>Unbinds a device from its driver, as a write to sysfs does.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>-ENODEV when it is not bound.</returns>
    [KernelSource("drivers/base/bus.c", "unbind_store")]
    internal static async Flow<OperationResult> Unbind(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        if (await t.Load(dev.Driver) == 0)
        {
            return new(Errno.ENoDev);
        }

        await DriverBinding.DeviceReleaseDriver(t, dev);
        return default;
    }

    /// <summary>Makes a domain for a device, to be mapped and attached by whoever asked for it.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The domain, or -ENODEV when the device has no IOMMU.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_domain_alloc")]
    internal static async Flow<OperationResult> AllocateDomain(KernelThread t, Device dev)
    {
        var domain = await IommuCore.IommuDomainAlloc(t, dev);
        return domain.Address.IsNull ? new(Errno.ENoDev) : new(Errno.None, domain.Address.Value);
    }

    /// <summary>Frees a domain; nothing may be attached to it.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <returns>0.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_domain_free")]
    internal static async Flow<OperationResult> FreeDomain(KernelThread t, IommuDomain domain)
    {
        await IommuCore.IommuDomainFree(t, domain);
        return default;
    }

    /// <summary>Attaches a domain to the group of a device.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0 or the error.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_attach_device")]
    internal static async Flow<OperationResult> Attach(KernelThread t, IommuDomain domain, Device dev) =>
        new(await IommuCore.IommuAttachDevice(t, domain, dev));

    /// <summary>Detaches a domain from the group of a device.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0; a domain that is not attached is a WARN.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_detach_device")]
    internal static async Flow<OperationResult> Detach(KernelThread t, IommuDomain domain, Device dev)
    {
        await IommuCore.IommuDetachDevice(t, domain, dev);
        return default;
    }

    /// <summary>Maps a page.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <param name="physical">Physical address, page aligned.</param>
    /// <returns>0 or the error; -EINVAL for a domain that has no page table yet, which it gets by its first attach.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_map")]
    internal static async Flow<OperationResult> Map(KernelThread t, IommuDomain domain, ulong iova, ulong physical) =>
        new(await HasTable(t, domain) ? await IommuCore.IommuMap(t, domain, iova, physical, DmaAgent.PageBytes) : Errno.EInval);

    /// <summary>Unmaps a page.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <returns>0; -EINVAL for a domain that has no page table yet.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_unmap")]
    internal static async Flow<OperationResult> Unmap(KernelThread t, IommuDomain domain, ulong iova)
    {
        if (!await HasTable(t, domain))
        {
            return new(Errno.EInval);
        }

        await IommuCore.IommuUnmap(t, domain, iova);
        return default;
    }

    /// <summary>Translates an address.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <returns>The physical address; 0 where nothing is mapped.</returns>
    [KernelSource("drivers/iommu/iommu.c", "iommu_iova_to_phys")]
    internal static async Flow<OperationResult> Translate(KernelThread t, IommuDomain domain, ulong iova) =>
        new(Errno.None, await IommuCore.IommuIovaToPhys(t, domain, iova));

    /// <summary>What io-pgtable's ops pointer tells in a kernel.</summary>
    private static async Flow<bool> HasTable(KernelThread t, IommuDomain domain) => !(await t.Load(domain.Pgd)).IsNull;
}
