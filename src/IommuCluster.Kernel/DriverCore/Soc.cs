using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>The kernel's globals that the flows share. One object a SoC, always at the same address.</summary>
internal readonly record struct Soc(Address Address) : IKernelObject<Soc>
{
    private static readonly Layout s_layout = new("globals");
    private static readonly FieldDescriptor s_probeDeviceLock = Global("iommu_probe_device_lock", LockKind.Mutex);
    private static readonly FieldDescriptor s_iommuDeviceLock = Global("iommu_device_lock", LockKind.Spin);
    private static readonly FieldDescriptor s_deferredProbeMutex = Global("deferred_probe_mutex", LockKind.Mutex);
    private static readonly FieldDescriptor s_deviceLinksLock = Global("device_links_lock", LockKind.Mutex);
    private static readonly FieldDescriptor s_busKlistDevicesLock = Global("&k->k_lock", LockKind.Spin);
    private static readonly FieldDescriptor s_busKlistDriversLock = Global("&k->k_lock/drivers", LockKind.Spin);
    private static readonly FieldDescriptor s_busNotifierRwsem = Global("&(&priv->bus_notifier)->rwsem", LockKind.RwSem);
    private static readonly FieldDescriptor s_workPoolLock = Global("&pool->lock", LockKind.Spin);
    private static readonly FieldDescriptor s_componentMutex = Global("component_mutex", LockKind.Mutex);
    private static readonly FieldDescriptor s_phyProviderMutex = Global("phy_provider_mutex", LockKind.Mutex);
    private static readonly FieldDescriptor s_moduleMutex = Global("module_mutex", LockKind.Mutex);
    private static readonly FieldDescriptor s_moduleWaitQueue = Global("module_wq", LockKind.WaitQueue);
    private static readonly FieldDescriptor s_iommuDeviceList = s_layout.List("iommu_device_list", 0, 0);
    private static readonly FieldDescriptor s_busDevices = s_layout.List("klist_devices", 0, 0);
    private static readonly FieldDescriptor s_deferredPending = s_layout.List("deferred_probe_pending_list", 0, 0);
    private static readonly FieldDescriptor s_deferredActive = s_layout.List("deferred_probe_active_list", 0, 0);
    private static readonly FieldDescriptor s_busIommuOps = s_layout.Word("platform_bus_type.iommu_ops", 0, 0);
    private static readonly FieldDescriptor s_busNotifier = s_layout.Word("platform_bus_type.nb", 0, 0);
    private static readonly FieldDescriptor s_deferredEnable = s_layout.Word("driver_deferred_probe_enable", 0, 0);
    private static readonly FieldDescriptor s_deferredTriggerCount = s_layout.Word("deferred_trigger_count", 0, 0);
    private static readonly FieldDescriptor s_deferredTimeout = s_layout.Word("driver_deferred_probe_timeout", 0, 0);
    private static readonly FieldDescriptor s_initcallsDone = s_layout.Word("initcalls_done", 0, 0);
    private static readonly FieldDescriptor s_fwDevlinkDriversDone = s_layout.Word("fw_devlink_drv_reg_done", 0, 0);
    private static readonly FieldDescriptor s_workPending = s_layout.Word("deferred_probe_work.pending", 0, 0);
    private static readonly FieldDescriptor s_workRunning = s_layout.Word("deferred_probe_work.running", 0, 0);
    private static readonly FieldDescriptor s_rkDmaDev = s_layout.Word("rockchip-iommu.dma_dev", 0, 0);
    private static readonly FieldDescriptor s_rkDrmComponents = s_layout.Word("rockchip-drm.components", 0, 0);
    private static readonly FieldDescriptor s_rkDrmDomain = s_layout.Word("rockchip_drm_private.domain", 0, 0);
    private static readonly FieldDescriptor s_busDrivers = s_layout.Tail("klist_drivers", 0, 0);

    /// <inheritdoc/>
    public static Layout Layout => s_layout;

    /// <summary>Where the globals are: the first thread's first allocation.</summary>
    public static Soc Globals => new(Address.Create(Home.Soc, thread: 1, count: 0));

    /// <summary>Serialises the core's probe of devices, and from v6.7 the making of fwspecs.</summary>
    public Mutex IommuProbeDeviceLock => new(Address, s_probeDeviceLock);

    /// <summary>Protects <see cref="IommuDeviceList"/>.</summary>
    public SpinLock IommuDeviceLock => new(Address, s_iommuDeviceLock);

    /// <summary>Protects the two lists of deferred devices.</summary>
    public Mutex DeferredProbeMutex => new(Address, s_deferredProbeMutex);

    /// <summary>Protects the state of device links.</summary>
    public Mutex DeviceLinksLock => new(Address, s_deviceLinksLock);

    /// <summary>Protects the bus's list of devices, never while a callback runs.</summary>
    public SpinLock BusKlistDevicesLock => new(Address, s_busKlistDevicesLock);

    /// <summary>Protects the bus's list of drivers, never while a callback runs.</summary>
    public SpinLock BusKlistDriversLock => new(Address, s_busKlistDriversLock);

    /// <summary>Held for reading while the bus's notifiers are called.</summary>
    public RwSem BusNotifierRwsem => new(Address, s_busNotifierRwsem);

    /// <summary>Protects the state of the deferred-probe work.</summary>
    public SpinLock WorkPoolLock => new(Address, s_workPoolLock);

    /// <summary>Protects the list of components.</summary>
    public Mutex ComponentMutex => new(Address, s_componentMutex);

    /// <summary>Protects the list of phy providers.</summary>
    public Mutex PhyProviderMutex => new(Address, s_phyProviderMutex);

    /// <summary>Protects the state of modules.</summary>
    public Mutex ModuleMutex => new(Address, s_moduleMutex);

    /// <summary>Where a modprobe waits for a module that another one loads.</summary>
    public WaitQueue ModuleWaitQueue => new(Address, s_moduleWaitQueue);

    /// <summary>Registered IOMMU instances.</summary>
    public ListHead IommuDeviceList => ListHead.In(Address, s_iommuDeviceList);

    /// <summary>Devices of the platform bus.</summary>
    public ListHead BusDevices => ListHead.In(Address, s_busDevices);

    /// <summary>Devices that wait for a trigger.</summary>
    public ListHead DeferredPending => ListHead.In(Address, s_deferredPending);

    /// <summary>Devices that the worker is about to retry.</summary>
    public ListHead DeferredActive => ListHead.In(Address, s_deferredActive);

    /// <summary>True once a driver is on the bus's list.</summary>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>The word.</returns>
    public Field<bool> BusDriver(int driver) => new(Address, s_busDrivers, driver);

    /// <summary>The platform bus's IOMMU ops (up to v6.7).</summary>
    public Field<int> BusIommuOps => new(Address, s_busIommuOps);

    /// <summary>True once the IOMMU core listens to devices coming (up to v6.0: once a driver set the bus's ops).</summary>
    public Field<bool> BusNotifier => new(Address, s_busNotifier);

    /// <summary>True from late_initcall on: deferred devices are retried.</summary>
    public Field<bool> DeferredProbeEnable => new(Address, s_deferredEnable);

    /// <summary>Number of triggers so far.</summary>
    public Field<long> DeferredTriggerCount => new(Address, s_deferredTriggerCount);

    /// <summary>The time-out in seconds; 0 once it has expired or when there is none to wait for.</summary>
    public Field<int> DeferredProbeTimeout => new(Address, s_deferredTimeout);

    /// <summary>True after late_initcall's two passes.</summary>
    public Field<bool> InitcallsDone => new(Address, s_initcallsDone);

    /// <summary>True once the time-out has passed: suppliers without a driver hold nobody back.</summary>
    public Field<bool> FwDevlinkDriversDone => new(Address, s_fwDevlinkDriversDone);

    /// <summary>True while the deferred-probe work is queued.</summary>
    public Field<bool> WorkPending => new(Address, s_workPending);

    /// <summary>True while a worker runs it.</summary>
    public Field<bool> WorkRunning => new(Address, s_workRunning);

    /// <summary>rockchip-iommu: the first instance, on behalf of which page tables are mapped.</summary>
    public Field<Address> RkDmaDev => new(Address, s_rkDmaDev);

    /// <summary>rockchip-drm: VOPs that have been added as components.</summary>
    public Field<int> RkDrmComponents => new(Address, s_rkDrmComponents);

    /// <summary>rockchip-drm: the domain that all VOPs share.</summary>
    public Field<IommuDomain> RkDrmDomain => new(Address, s_rkDrmDomain);

    private static FieldDescriptor Global(string name, LockKind kind) => s_layout.Lock(name, 0, 0, new LockClass(name, kind));
}
