namespace IommuCluster.Kernel.Profiles;

/// <summary>The mainline release whose drivers an era has. What differs in a driver and not in the core follows from it.</summary>
/// <param name="Major">4 to 7.</param>
/// <param name="Minor">From 0.</param>
public readonly record struct KernelRelease(int Major, int Minor)
{
    /// <summary>True when this release is another one or came after it.</summary>
    /// <param name="major">The other's first number.</param>
    /// <param name="minor">The other's second number.</param>
    /// <returns>True from that release on.</returns>
    public bool IsSince(int major, int minor) => Major > major || (Major == major && Minor >= minor);

    /// <inheritdoc/>
    public override string ToString() => $"{Major}.{Minor}";
}

/// <summary>What the core asks of an IOMMU driver when a device comes.</summary>
public enum CoreCalls
{
    /// <summary><c>add_device</c>: the driver joins the device to a group, and whatever else it thinks fit (up to v5.7).</summary>
    AddDevice,

    /// <summary><c>probe_device</c>: the driver says which instance it is; groups and domains are the core's (a6a4c7e2c5b8, v5.8).</summary>
    ProbeDevice,
}

/// <summary>How long firmware parsing waits for an IOMMU that is not registered.</summary>
public enum IommuDeferral
{
    /// <summary>While the system boots, when a built-in driver exists for the node; else the device has no IOMMU (up to v4.18).</summary>
    BuiltInTable,

    /// <summary><c>driver_deferred_probe_check_state</c> decides (since 25b4e70dcce9 and its users, v4.19).</summary>
    CheckState,
}

/// <summary>Which call makes an IOMMU driver meet the devices of a bus.</summary>
public enum BusWalk
{
    /// <summary><c>bus_set_iommu</c> walks once, when the first instance of a driver comes (up to v6.0).</summary>
    OncePerDriver,

    /// <summary>Every <c>iommu_device_register</c> walks all buses (since 57365a04c921, v6.1).</summary>
    EveryRegistration,
}

/// <summary>What a driver of another kind meets when one is already there.</summary>
public enum SecondDriver
{
    /// <summary>-EBUSY from <c>bus_set_iommu</c> when the bus has ops (up to v6.0).</summary>
    BusyOnBus,

    /// <summary>-EBUSY from <c>iommu_device_register</c> when any bus has other ops (v6.1 to v6.7).</summary>
    BusyAnywhere,

    /// <summary>Several kinds live side by side (since 17de3f5fdd35, v6.8).</summary>
    Allowed,
}

/// <summary>What serialises the core's probe of a device.</summary>
public enum ProbeLock
{
    /// <summary>Nothing (up to v6.1).</summary>
    None,

    /// <summary><c>iommu_probe_device_lock</c>, static inside <c>__iommu_probe_device</c> (01657bc14a39, v6.2).</summary>
    Inner,

    /// <summary>The same mutex, taken by the callers (v6.6).</summary>
    Caller,
}

/// <summary>When <c>iommu_attach_device</c> and its kin answer -EBUSY.</summary>
public enum BusyRule
{
    /// <summary>A default domain exists and another one is attached (up to v5.18).</summary>
    A,

    /// <summary>Any domain but the default one is attached (1ea2a07a532b, in no release).</summary>
    B,

    /// <summary>Any domain but the default and the blocking one is attached (0286300e6045, v5.19).</summary>
    C,
}

/// <summary>Who sets a device's DMA ops.</summary>
public enum DmaOpsSetter
{
    /// <summary><c>arch_setup_dma_ops</c> at every driver bind (up to v6.9).</summary>
    Architecture,

    /// <summary>The IOMMU core under the group mutex, when the default domain is set up (b67483b3c44e, v6.10).</summary>
    Core,
}

/// <summary>What a group's members are left on when attaching one of them fails.</summary>
public enum AttachFailure
{
    /// <summary>Those already attached stay on the new domain (up to v6.2).</summary>
    Split,

    /// <summary>Those already attached go back to the old domain (v6.5).</summary>
    Revert,
}

/// <summary>A kernel era as a set of policy switches. Each switch names the commit that made it.</summary>
public sealed record Profile
{
    /// <summary>The name: a kernel release (<c>linux-6.6</c>).</summary>
    public required string Name { get; init; }

    /// <summary>One line on the era's character.</summary>
    public required string Summary { get; init; }

    /// <summary>The era in the fact reference's terms, for people who hold both side by side.</summary>
    public required string Era { get; init; }

    /// <summary>The release whose drivers the era has; drivers choose their own form and default switches by it.</summary>
    public required KernelRelease Release { get; init; }

    /// <summary>What the core asks of an IOMMU driver when a device comes.</summary>
    public CoreCalls CoreCalls { get; init; } = CoreCalls.ProbeDevice;

    /// <summary>True when attaching and detaching look whether the device has a group at all; not from 05f80300dc8b (v4.15) until some release before v5.11.</summary>
    public bool AttachChecksGroup { get; init; } = true;

    /// <summary>True when the device itself points at its fwspec, and that holds the driver's data; false once both are in <c>dev->iommu</c> (72acd9df18f1, v5.7).</summary>
    public bool FwspecInDevice { get; init; }

    /// <summary>How long firmware parsing waits for an IOMMU that is not registered.</summary>
    public IommuDeferral IommuDeferral { get; init; } = IommuDeferral.CheckState;

    /// <summary>True when the firmware's supplier links can hold a probe back (<c>fw_devlink=on</c> by default, v5.13).</summary>
    public bool FirmwareDeviceLinks { get; init; } = true;

    /// <summary>Which call makes an IOMMU driver meet the devices of a bus.</summary>
    public BusWalk BusWalk { get; init; } = BusWalk.EveryRegistration;

    /// <summary>What a driver of another kind meets.</summary>
    public SecondDriver SecondDriver { get; init; } = SecondDriver.Allowed;

    /// <summary>True when a device without a parsed fwspec is offered to the ops of its bus (up to v6.7); from 17de3f5fdd35 (v6.8) only a device that has an fwspec is.</summary>
    public bool OpsFromBus { get; init; }

    /// <summary>What serialises the core's probe of a device.</summary>
    public ProbeLock ProbeLock { get; init; } = ProbeLock.Caller;

    /// <summary>True when <c>of_iommu_configure</c> holds the probe lock while it makes the fwspec (a2e7e59a9426, v6.7).</summary>
    public bool FwspecUnderProbeLock { get; init; } = true;

    /// <summary>True when the "already in a group" test is made under the probe lock (v6.6).</summary>
    public bool AlreadyProbedCheckLocked { get; init; } = true;

    /// <summary>True when a bind replays <c>iommu_probe_device</c> always, false when only a device without group is replayed (up to v6.5).</summary>
    public bool ReplayAlways { get; init; } = true;

    /// <summary>True when a group always has a default domain (98ac73f99bc4, v6.7); ARM32 then gets an identity one.</summary>
    public bool DefaultDomainRequired { get; init; } = true;

    /// <summary>True when drivers offer static identity domains (v6.7 for Rockchip, v6.8 for arm-smmu).</summary>
    public bool StaticIdentityDomains { get; init; } = true;

    /// <summary>When attaching answers -EBUSY.</summary>
    public BusyRule BusyRule { get; init; } = BusyRule.C;

    /// <summary>What a group's members are left on when attaching one of them fails.</summary>
    public AttachFailure AttachFailure { get; init; } = AttachFailure.Revert;

    /// <summary>True when the core counts owners of a group's DMA (512881eacfa7, v5.19).</summary>
    public bool DmaOwnership { get; init; } = true;

    /// <summary>True when one identity domain counts as the other in the ownership test (2380f1e8195e, v6.0 to v6.6).</summary>
    public bool IdentityEqualsIdentity { get; init; }

    /// <summary>Who sets a device's DMA ops.</summary>
    public DmaOpsSetter DmaOpsSetter { get; init; } = DmaOpsSetter.Core;

    /// <summary>True when arm64 clears the DMA ops at every unbind and failed probe (until 8b80549f1bc6, v6.10).</summary>
    public bool ArchTeardownClearsDmaOps { get; init; }

    /// <summary>True when <c>iommu_dma_init_domain</c> holds the cookie's mutex (ac9a5d522bb8, v6.0 to v6.14).</summary>
    public bool CookieMutex { get; init; } = true;

    /// <summary>True when attaching checks that the domain belongs to the device's driver (a5c57fd2e9bd's era, v6.8).</summary>
    public bool DomainOwnerChecked { get; init; } = true;

    /// <summary>True when the core asserts its locks with <c>lockdep_assert_held</c> (<c>dev_iommu_get</c> and friends, v6.8).</summary>
    public bool AssertsProbeLock { get; init; } = true;

    /// <summary>Seconds after late_initcall for which clients wait for their IOMMU's driver; 0 for not at all.</summary>
    public int DeferredProbeTimeoutSeconds { get; init; } = 10;

    /// <summary>True when a bind waits for a group that has no default domain yet (b46064a18810, v6.15); false shows R17.</summary>
    public bool BindWaitsForDefaultDomain { get; init; }
}
