using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Iommu;

/// <summary>A <c>struct dev_iommu</c>: what the core keeps about one device. Offsets of v6.6 on arm64.</summary>
internal readonly record struct DevIommu(Address Address) : IKernelObject<DevIommu>
{
    private static readonly Layout s_layout = new("dev_iommu");
    private static readonly FieldDescriptor s_fwspec = s_layout.Word("fwspec", 0x1c, 0x30);
    private static readonly FieldDescriptor s_iommuDev = s_layout.Word("iommu_dev", 0x20, 0x38);
    private static readonly FieldDescriptor s_priv = s_layout.Word("priv", 0x24, 0x40);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>What firmware says about the device's IOMMU.</summary>
    public Field<IommuFwspec> Fwspec => new(Address, s_fwspec);

    /// <summary>The instance that accepted the device.</summary>
    public Field<IommuDevice> IommuDev => new(Address, s_iommuDev);

    /// <summary>The IOMMU driver's data about the device.</summary>
    public Field<Address> Priv => new(Address, s_priv);
}

/// <summary>A <c>struct iommu_fwspec</c>: the IOMMU that firmware names, and the ids behind it.</summary>
internal readonly record struct IommuFwspec(Address Address) : IKernelObject<IommuFwspec>
{
    private static readonly Layout s_layout = new("iommu_fwspec");
    private static readonly FieldDescriptor s_ops = s_layout.Word("ops", 0x0, 0x0);
    private static readonly FieldDescriptor s_fwnode = s_layout.Word("iommu_fwnode", 0x4, 0x8);
    private static readonly FieldDescriptor s_priv = s_layout.Word("iommu_priv", 0x8, 0x10);
    private static readonly FieldDescriptor s_numIds = s_layout.Word("num_ids", 0xc, 0x14);
    private static readonly FieldDescriptor s_ids = s_layout.Tail("ids", 0x10, 0x18);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>The ops of the IOMMU's driver: number plus one; 0 says which IOMMU is waited for.</summary>
    public Field<int> Ops => new(Address, s_ops);

    /// <summary>The IOMMU's firmware node: device number plus one.</summary>
    public Field<int> IommuFwnode => new(Address, s_fwnode);

    /// <summary>The IOMMU driver's data about the device, up to v5.6; later it is in <c>dev->iommu</c>.</summary>
    public Field<Address> Priv => new(Address, s_priv);

    /// <summary>Number of ids.</summary>
    public Field<int> NumIds => new(Address, s_numIds);

    /// <summary>An id, in the driver's encoding.</summary>
    /// <param name="index">From 0.</param>
    /// <returns>The word.</returns>
    public Field<uint> Id(int index) => new(Address, s_ids, index);
}

/// <summary>A <c>struct iommu_device</c>: one registered instance. Embedded first in the driver's own data.</summary>
internal readonly record struct IommuDevice(Address Address) : IKernelObject<IommuDevice>
{
    private static readonly Layout s_layout = new("iommu_device");
    private static readonly FieldDescriptor s_list = s_layout.List("list", 0x0, 0x0);
    private static readonly FieldDescriptor s_ops = s_layout.Word("ops", 0x8, 0x10);
    private static readonly FieldDescriptor s_fwnode = s_layout.Word("fwnode", 0xc, 0x18);
    private static readonly FieldDescriptor s_singletonGroup = s_layout.Word("singleton_group", 0x14, 0x28);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>Entry in <c>iommu_device_list</c>.</summary>
    public ListHead List => ListHead.In(Address, s_list);

    /// <summary>The driver's ops: number plus one.</summary>
    public Field<int> Ops => new(Address, s_ops);

    /// <summary>The instance's firmware node: device number plus one.</summary>
    public Field<int> Fwnode => new(Address, s_fwnode);

    /// <summary>The one group of all its devices, for drivers that have it so (v6.7).</summary>
    public Field<IommuGroup> SingletonGroup => new(Address, s_singletonGroup);

    /// <summary>The instance that an entry of the list belongs to.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The instance.</returns>
    public static IommuDevice FromList(Address entry) => new(ListHead.ContainerOf(entry, s_list));
}

/// <summary>A <c>struct iommu_group</c>. Offset of the mutex on ARM32 as splats of v4.15 show it.</summary>
internal readonly record struct IommuGroup(Address Address) : IKernelObject<IommuGroup>
{
    private static readonly LockClass s_mutexClass = new("&group->mutex", LockKind.Mutex);
    private static readonly Layout s_layout = new("iommu_group");
    private static readonly FieldDescriptor s_mutex = s_layout.Lock("mutex", 0x30, 0x70, s_mutexClass);
    private static readonly FieldDescriptor s_devicesKobj = s_layout.Word("devices_kobj", 0x24, 0x60);
    private static readonly FieldDescriptor s_devices = s_layout.List("devices", 0x28, 0x68);
    private static readonly FieldDescriptor s_defaultDomain = s_layout.Word("default_domain", 0x58, 0xc0);
    private static readonly FieldDescriptor s_blockingDomain = s_layout.Word("blocking_domain", 0x5c, 0xc8);
    private static readonly FieldDescriptor s_domain = s_layout.Word("domain", 0x60, 0xd0);
    private static readonly FieldDescriptor s_entry = s_layout.List("entry", 0x64, 0xd8);
    private static readonly FieldDescriptor s_ownerCount = s_layout.Word("owner_cnt", 0x6c, 0xe8);
    private static readonly FieldDescriptor s_owner = s_layout.Word("owner", 0x70, 0xf0);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>Protects the group's members, domains and ownership.</summary>
    public Mutex Mutex => new(Address, s_mutex);

    /// <summary>References: one a member, one an external user.</summary>
    public Field<long> DevicesKobj => new(Address, s_devicesKobj);

    /// <summary>The members.</summary>
    public ListHead Devices => ListHead.In(Address, s_devices);

    /// <summary>The domain for kernel DMA.</summary>
    public Field<IommuDomain> DefaultDomain => new(Address, s_defaultDomain);

    /// <summary>The domain while owned and nothing else is attached.</summary>
    public Field<IommuDomain> BlockingDomain => new(Address, s_blockingDomain);

    /// <summary>What every member is attached to now.</summary>
    public Field<IommuDomain> Domain => new(Address, s_domain);

    /// <summary>Entry in a registration walk's list of groups without default domain.</summary>
    public ListHead Entry => ListHead.In(Address, s_entry);

    /// <summary>Bound kernel drivers that use the default domain, or claims by the owner.</summary>
    public Field<int> OwnerCount => new(Address, s_ownerCount);

    /// <summary>The exclusive owner of the group's DMA; 0 for the kernel.</summary>
    public Field<ulong> Owner => new(Address, s_owner);

    /// <summary>The group that an entry belongs to.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The group.</returns>
    public static IommuGroup FromEntry(Address entry) => new(ListHead.ContainerOf(entry, s_entry));
}

/// <summary>A <c>struct group_device</c>: one membership.</summary>
internal readonly record struct GroupDevice(Address Address) : IKernelObject<GroupDevice>
{
    private static readonly Layout s_layout = new("group_device");
    private static readonly FieldDescriptor s_list = s_layout.List("list", 0x0, 0x0);
    private static readonly FieldDescriptor s_dev = s_layout.Word("dev", 0x8, 0x10);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>Entry in the group's list.</summary>
    public ListHead List => ListHead.In(Address, s_list);

    /// <summary>The device.</summary>
    public Field<Device> Dev => new(Address, s_dev);

    /// <summary>The membership that an entry belongs to.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The membership.</returns>
    public static GroupDevice FromList(Address entry) => new(ListHead.ContainerOf(entry, s_list));
}

/// <summary>The kinds of domain (Linux: <c>IOMMU_DOMAIN_*</c>).</summary>
internal enum DomainType
{
    /// <summary>All DMA faults.</summary>
    Blocked = 0,

    /// <summary>The DMA address is the physical one.</summary>
    Identity = 1,

    /// <summary>Mappings managed by a driver or user.</summary>
    Unmanaged = 2,

    /// <summary>Mappings managed by the DMA API.</summary>
    Dma = 3,
}

/// <summary>A <c>struct iommu_domain</c>. Embedded first in the driver's own domain type.</summary>
internal readonly record struct IommuDomain(Address Address) : IKernelObject<IommuDomain>
{
    private static readonly LockClass s_cookieClass = new("&cookie->mutex", LockKind.Mutex);
    private static readonly LockClass s_iovadClass = new("&iovad->iova_rbtree_lock", LockKind.Spin);
    private static readonly LockClass s_initClass = new("&smmu_domain->init_mutex", LockKind.Mutex);
    private static readonly Layout s_layout = new("iommu_domain");
    private static readonly FieldDescriptor s_type = s_layout.Word("type", 0x0, 0x0);
    private static readonly FieldDescriptor s_owner = s_layout.Word("owner", 0x8, 0x10);
    private static readonly FieldDescriptor s_cookieMutex = s_layout.Lock("iova_cookie->mutex", 0x40, 0x80, s_cookieClass);
    private static readonly FieldDescriptor s_startPfn = s_layout.Word("iova_cookie->iovad.start_pfn", 0x30, 0x58);
    private static readonly FieldDescriptor s_iovaLock = s_layout.Lock("iova_cookie->iovad.iova_rbtree_lock", 0x4, 0x8, s_iovadClass);
    private static readonly FieldDescriptor s_iovaNext = s_layout.Word("iova_cookie->iovad.cached_node", 0xc, 0x18);
    private static readonly FieldDescriptor s_pgd = s_layout.Word("pgtbl_ops->pgd", 0x20, 0x40);
    private static readonly FieldDescriptor s_instance = s_layout.Word("smmu", 0x24, 0x48);
    private static readonly FieldDescriptor s_context = s_layout.Word("cfg.cbndx", 0x28, 0x50);
    private static readonly FieldDescriptor s_initMutex = s_layout.Lock("init_mutex", 0x2c, 0x58, s_initClass);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>What the domain does with DMA.</summary>
    public Field<DomainType> Type => new(Address, s_type);

    /// <summary>The ops that allocated it: number plus one (checked from v6.8).</summary>
    public Field<int> Owner => new(Address, s_owner);

    /// <summary>Protects the initialisation of the cookie (v6.0 to v6.14).</summary>
    public Mutex CookieMutex => new(Address, s_cookieMutex);

    /// <summary>First page of the IOVA space; 0 until initialised.</summary>
    public Field<ulong> StartPfn => new(Address, s_startPfn);

    /// <summary>Protects the IOVA allocator.</summary>
    public SpinLock IovaLock => new(Address, s_iovaLock);

    /// <summary>The page below which the allocator goes on.</summary>
    public Field<ulong> IovaNext => new(Address, s_iovaNext);

    /// <summary>The top-level page table; NULL until the domain is finalised.</summary>
    public Field<Address> Pgd => new(Address, s_pgd);

    /// <summary>The instance that the domain is tied to, for drivers that tie.</summary>
    public Field<IommuDevice> Instance => new(Address, s_instance);

    /// <summary>The context bank plus one; 0 for none.</summary>
    public Field<int> Context => new(Address, s_context);

    /// <summary>Serialises finalisation at the first attach.</summary>
    public Mutex InitMutex => new(Address, s_initMutex);
}
