using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>Who answers the DMA API for a device (Linux: <c>dev->dma_ops</c>).</summary>
internal enum DmaOps
{
    /// <summary>dma-direct: the address is the physical one.</summary>
    Direct = 0,

    /// <summary>iommu-dma over the group's default domain.</summary>
    IommuDma = 1,

    /// <summary>ARM32 mapping ops over <c>archdata.mapping</c>.</summary>
    ArmMapping = 2,
}

/// <summary>How far a supplier is (Linux: the state of its device links).</summary>
internal enum LinkStatus
{
    /// <summary>No driver.</summary>
    NoDriver = 0,

    /// <summary>Its driver is probing.</summary>
    Probing = 1,

    /// <summary>Its driver is bound: consumers may probe.</summary>
    DriverPresent = 2,
}

/// <summary>A <c>struct device</c>. Byte offsets are those of a typical defconfig.</summary>
internal readonly record struct Device(Address Address) : IKernelObject<Device>
{
    private static readonly LockClass s_mutexClass = new("&dev->mutex", LockKind.Mutex, NoValidate: true);
    private static readonly Layout s_layout = new("device");
    private static readonly FieldDescriptor s_driver = s_layout.Word("driver", 0x44, 0x68);
    private static readonly FieldDescriptor s_driverData = s_layout.Word("driver_data", 0x4c, 0x78);
    private static readonly FieldDescriptor s_mutex = s_layout.Lock("mutex", 0x50, 0x80, s_mutexClass);
    private static readonly FieldDescriptor s_knodeBus = s_layout.List("p->knode_bus", 0x20, 0x40);
    private static readonly FieldDescriptor s_deferredProbe = s_layout.List("p->deferred_probe", 0x2c, 0x58);
    private static readonly FieldDescriptor s_knodeDriver = s_layout.Word("p->knode_driver", 0x14, 0x28);
    private static readonly FieldDescriptor s_dead = s_layout.Word("p->dead", 0x3c, 0x78);
    private static readonly FieldDescriptor s_asyncDriver = s_layout.Word("p->async_driver", 0x38, 0x70);
    private static readonly FieldDescriptor s_canMatch = s_layout.Word("can_match", 0x1c8, 0x30c);
    private static readonly FieldDescriptor s_linkStatus = s_layout.Word("links.status", 0x98, 0xf0);
    private static readonly FieldDescriptor s_devresLock = s_layout.Word("devres_lock", 0x180, 0x2d0);
    private static readonly FieldDescriptor s_dmaOps = s_layout.Word("dma_ops", 0x118, 0x218);
    private static readonly FieldDescriptor s_dmaCoherent = s_layout.Word("dma_coherent", 0x1c9, 0x30d);
    private static readonly FieldDescriptor s_dmaOpsSetup = s_layout.Word("archdata.dma_ops_setup", 0x160, 0x290);
    private static readonly FieldDescriptor s_mapping = s_layout.Word("archdata.mapping", 0x15c, 0x288);
    private static readonly FieldDescriptor s_iommuGroup = s_layout.Word("iommu_group", 0x1bc, 0x2f8);
    private static readonly FieldDescriptor s_iommu = s_layout.Word("iommu", 0x1c0, 0x300);
    private static readonly FieldDescriptor s_iommuFwspec = s_layout.Word("iommu_fwspec", 0x1c0, 0x300);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>The device's number on the board.</summary>
    public int Number => Address.Home.Index;

    /// <summary>Who owns what lives with the device.</summary>
    public Home Home => Address.Home;

    /// <summary>The driver that is probing or bound: number of the machine's driver plus one, 0 for none.</summary>
    public Field<int> Driver => new(Address, s_driver);

    /// <summary>The driver's own data.</summary>
    public Field<Address> DriverData => new(Address, s_driverData);

    /// <summary><c>device_lock</c>.</summary>
    public Mutex Mutex => new(Address, s_mutex);

    /// <summary>Entry in the bus's list of devices.</summary>
    public ListHead KnodeBus => ListHead.In(Address, s_knodeBus);

    /// <summary>Entry in one of the lists of deferred devices.</summary>
    public ListHead DeferredProbe => ListHead.In(Address, s_deferredProbe);

    /// <summary>True while the device is on its driver's list of bound devices; read by <c>driver_find_device</c>.</summary>
    public Field<bool> KnodeDriver => new(Address, s_knodeDriver);

    /// <summary>True once the device is being removed.</summary>
    public Field<bool> Dead => new(Address, s_dead);

    /// <summary>Driver queued for an asynchronous attach: number plus one, 0 for none.</summary>
    public Field<int> AsyncDriver => new(Address, s_asyncDriver);

    /// <summary>True once some driver matched; without it the device is not put on the deferred list.</summary>
    public Field<bool> CanMatch => new(Address, s_canMatch);

    /// <summary>How far the device is as a supplier of others.</summary>
    public Field<LinkStatus> LinkStatus => new(Address, s_linkStatus);

    /// <summary>What <c>devm_kzalloc</c> touches first; read for the fault that a NULL device gives.</summary>
    public Field<ulong> DevresLock => new(Address, s_devresLock);

    /// <summary>Who answers the DMA API.</summary>
    public Field<DmaOps> DmaOps => new(Address, s_dmaOps);

    /// <summary>True when the device sees the CPU's caches, so that its mappings are made with IOMMU_CACHE.</summary>
    public Field<bool> DmaCoherent => new(Address, s_dmaCoherent);

    /// <summary>ARM32: <c>arch_setup_dma_ops</c> made the mapping, so teardown may undo it.</summary>
    public Field<bool> DmaOpsSetup => new(Address, s_dmaOpsSetup);

    /// <summary>ARM32: the device's DMA mapping.</summary>
    public Field<Dma.DmaIommuMapping> Mapping => new(Address, s_mapping);

    /// <summary>The group; the mark of a probed device.</summary>
    public Field<IommuGroup> IommuGroup => new(Address, s_iommuGroup);

    /// <summary>What the IOMMU core keeps about the device.</summary>
    public Field<DevIommu> Iommu => new(Address, s_iommu);

    /// <summary>What firmware says about the device's IOMMU, up to v5.6; later it is in <see cref="Iommu"/>.</summary>
    public Field<IommuFwspec> IommuFwspec => new(Address, s_iommuFwspec);

    /// <summary>The device that an entry of the bus's list belongs to.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The device.</returns>
    public static Device FromKnodeBus(Address entry) => new(ListHead.ContainerOf(entry, s_knodeBus));

    /// <summary>The device that an entry of a deferred list belongs to.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The device.</returns>
    public static Device FromDeferredProbe(Address entry) => new(ListHead.ContainerOf(entry, s_deferredProbe));
}
