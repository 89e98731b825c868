using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Iommu;

/// <summary>A <c>struct iommu_ops</c> with its domain ops: what an IOMMU driver offers the core. Constant; state is in memory.</summary>
internal abstract class IommuOps
{
    /// <summary>The driver's name.</summary>
    public abstract string Name { get; }

    /// <summary>The platform driver that registers instances.</summary>
    public abstract DeviceDriver Driver { get; }

    /// <summary>Number of the ops in the machine, plus one: the word that stands for a pointer to them.</summary>
    public int Reference { get; set; }

    /// <summary>Takes one specifier from firmware into the fwspec or the driver's own data.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The master.</param>
    /// <param name="iommu">Number of the IOMMU's device.</param>
    /// <param name="cells">The specifier.</param>
    /// <returns>0 or an error.</returns>
    public abstract Flow<Errno> OfXlate(KernelThread t, Device dev, int iommu, ImmutableArray<uint> cells);

    /// <summary>Takes a device on.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device; its <c>dev->iommu</c> exists.</param>
    /// <returns>The instance that translates it, or an error pointer; -ENODEV when it is not this driver's.</returns>
    public abstract Flow<IommuDevice> ProbeDevice(KernelThread t, Device dev);

    /// <summary>Takes a device on and joins it to a group (up to v5.7, in place of <see cref="ProbeDevice"/>).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0 or an error; -ENODEV when it is not this driver's.</returns>
    [KernelSource("include/linux/iommu.h", "add_device", Release = "v4.15")]
    public virtual async Flow<Errno> AddDevice(KernelThread t, Device dev)
    {
        var instance = await ProbeDevice(t, dev);
        if (instance.Address.IsError)
        {
            return instance.Address.ToError();
        }

        var group = await IommuCore.IommuGroupGetForDev415(t, dev);
        if (group.Address.IsError)
        {
            await ReleaseDevice(t, dev);
            await IommuCore.IommuFwspecFree(t, dev);
            return group.Address.ToError();
        }

        await IommuCore.IommuGroupPut(t, group);
        return Errno.None;
    }

    /// <summary>Does what is left once a device has its group and default domain; called without the core's locks (v5.8 and later).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it is done.</returns>
    public virtual Flow ProbeFinalize(KernelThread t, Device dev) => Flow.Completed;

    /// <summary>True for a driver that has <see cref="ProbeFinalize"/>.</summary>
    public virtual bool HasProbeFinalize => false;

    /// <summary>False for a driver without <c>of_xlate</c>: it parses firmware itself, and to the core its masters have no IOMMU.</summary>
    public virtual bool HasOfXlate => true;

    /// <summary>The default domain that the driver wants for a device (Linux: <c>def_domain_type</c>). No step.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="device">The device.</param>
    /// <returns>The type, or null when it does not matter to the driver.</returns>
    public virtual DomainType? DefDomainType(Machine machine, DeviceFacts device) => null;

    /// <summary>What firmware asks for that the driver honours (Linux: <c>get_resv_regions</c>). No step.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="device">The device.</param>
    /// <returns>The regions; none for a driver that does not look.</returns>
    public virtual ImmutableArray<ResvRegion> GetResvRegions(Machine machine, DeviceFacts device) => [];

    /// <summary>Lets a device go.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when the driver has forgotten it.</returns>
    public abstract Flow ReleaseDevice(KernelThread t, Device dev);

    /// <summary>Finds or makes the device's group, with a reference for the caller.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="dev">The device.</param>
    /// <returns>The group, or an error pointer.</returns>
    public abstract Flow<IommuGroup> DeviceGroup(KernelThread t, Device dev);

    /// <summary>Makes a domain.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="type">What it shall do with DMA.</param>
    /// <returns>The domain, or NULL when the driver has none of the kind.</returns>
    public abstract Flow<IommuDomain> DomainAlloc(KernelThread t, DomainType type);

    /// <summary>Frees a domain.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain; nothing is attached to it.</param>
    /// <returns>Completes when it is gone.</returns>
    public abstract Flow DomainFree(KernelThread t, IommuDomain domain);

    /// <summary>Attaches a device; it leaves the domain that it was on.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0 or an error; the translation is then the driver's business.</returns>
    public abstract Flow<Errno> AttachDev(KernelThread t, IommuDomain domain, Device dev);

    /// <summary>Puts a device back to what it was on before any attach (<c>detach_dev</c>, later <c>set_platform_dma_ops</c>).</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain that it leaves.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when it is off.</returns>
    public abstract Flow DetachDev(KernelThread t, IommuDomain domain, Device dev);

    /// <summary>Maps one page or block.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, aligned to the size.</param>
    /// <param name="physical">Physical address, aligned to the size.</param>
    /// <param name="sizeBytes">One of the sizes of <see cref="Tables"/>.</param>
    /// <returns>0 or an error.</returns>
    public abstract Flow<Errno> MapPages(KernelThread t, IommuDomain domain, ulong iova, ulong physical, ulong sizeBytes);

    /// <summary>Unmaps one page and makes the hardware forget it.</summary>
    /// <param name="t">The running thread.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <returns>Completes when no access through it is possible.</returns>
    public abstract Flow UnmapPages(KernelThread t, IommuDomain domain, ulong iova);

    /// <summary>How the hardware walks the driver's tables.</summary>
    public abstract PageTables.TableGeometry Tables { get; }
}
