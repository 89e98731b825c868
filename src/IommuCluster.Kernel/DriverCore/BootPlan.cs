using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>How a driver comes into the kernel.</summary>
public enum DriverLoad
{
    /// <summary>Registered by init at its initcall level.</summary>
    BuiltIn,

    /// <summary>Registered by a modprobe thread of its own after the initcalls.</summary>
    Module,

    /// <summary>Not there at all.</summary>
    Absent,
}

/// <summary>Where a driver's devices are probed.</summary>
public enum ProbeMode
{
    /// <summary>On the thread that registers the driver or adds the device.</summary>
    Synchronous,

    /// <summary>On a worker a device, beside that thread (<c>PROBE_PREFER_ASYNCHRONOUS</c>).</summary>
    Asynchronous,
}

/// <summary>How the firmware's supplier links hold a probe back (Linux: <c>fw_devlink=</c>).</summary>
public enum FirmwareLinks
{
    /// <summary>Not at all.</summary>
    Off,

    /// <summary>They are there, but nobody waits for them: only <c>sync_state</c>, which is not modelled, would look at them.</summary>
    Permissive,

    /// <summary>Suppliers hold back, except IOMMUs and relaxed cycles: the default.</summary>
    On,

    /// <summary>IOMMUs hold back, too, until the time-out finds that they have no driver (<c>fw_devlink.strict=1</c>).</summary>
    Strict,
}

/// <summary>How one driver comes, where it differs from the default.</summary>
/// <param name="Driver">The driver's name (<c>arm-smmu</c>, <c>rockchip-drm</c>), or the first <c>compatible</c> of the devices that a generic client driver serves.</param>
/// <param name="Load">How it comes into the kernel.</param>
/// <param name="Probe">Where its devices are probed.</param>
/// <param name="Switches">The driver's own <c>before</c>/<c>after</c> switches by name; a missing one has the driver's default.</param>
public sealed record DriverPlan(string Driver, DriverLoad Load, ProbeMode Probe, ImmutableSortedDictionary<string, string> Switches)
{
    /// <summary>Drivers whose modules its module needs: a modprobe loads them first, as <c>modules.dep</c> says. Only for modules.</summary>
    public ImmutableArray<string> Needs { get; init; } = [];
}

/// <summary>When the wait for deferred devices ends (Linux: <c>deferred_probe_timeout=</c>).</summary>
public enum DeferredTimeout
{
    /// <summary>After everything else: modules come before it. The default.</summary>
    AtRest,

    /// <summary>At any time after the initcalls: modules may come later than it.</summary>
    Races,
}

/// <summary>What a user does to a device after boot.</summary>
public enum UserVerb
{
    /// <summary>Writes the device to its driver's <c>unbind</c>.</summary>
    Unbind,

    /// <summary>Writes the device to its driver's <c>bind</c>.</summary>
    Bind,

    /// <summary>Takes the device away: sysfs <c>remove</c>, or by hand.</summary>
    Remove,

    /// <summary>Brings a removed device back: sysfs <c>rescan</c>.</summary>
    Rescan,

    /// <summary>Takes the DMA of the device's group away from the kernel, as VFIO does when a user opens it.</summary>
    Claim,

    /// <summary>Gives it back, as VFIO does when the user closes it. A user releases only what it has got.</summary>
    Release,

    /// <summary>Writes <c>identity</c> to the <c>type</c> of the device's group.</summary>
    TypeIdentity,

    /// <summary>Writes <c>DMA</c> to the <c>type</c> of the device's group.</summary>
    TypeDma,
}

/// <summary>One thing that a user does.</summary>
/// <param name="Verb">What.</param>
/// <param name="Device">Linux name of the device.</param>
public sealed record UserAction(UserVerb Verb, string Device);

/// <summary>All that decides a boot: facts, era, and what the scenario fixes.</summary>
public sealed record BootPlan
{
    /// <summary>The machine.</summary>
    public required Board Board { get; init; }

    /// <summary>The kernel era.</summary>
    public required Profile Profile { get; init; }

    /// <summary>Names of the masters that exist; empty for all enabled ones. IOMMUs and suppliers come with their masters.</summary>
    public ImmutableArray<string> Masters { get; init; } = [];

    /// <summary>Names of IOMMUs that exist besides those of <see cref="Masters"/>: instances that register although no master here is theirs.</summary>
    public ImmutableArray<string> Iommus { get; init; } = [];

    /// <summary>Requester ids of the functions behind PCI hosts, by the host's name; a host that is not named has one function, at the first id that its map knows.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<uint>> PciFunctions { get; init; } = ImmutableSortedDictionary<string, ImmutableArray<uint>>.Empty;

    /// <summary>Drivers that come otherwise than <see cref="Clients"/> or their own default say.</summary>
    public ImmutableArray<DriverPlan> Drivers { get; init; } = [];

    /// <summary>How generic client drivers come; the name in it is not used.</summary>
    public DriverPlan Clients { get; init; } = new("clients", DriverLoad.BuiltIn, ProbeMode.Synchronous, ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>What users do after boot, one thread a user.</summary>
    public ImmutableArray<ImmutableArray<UserAction>> Users { get; init; } = [];

    /// <summary>Names of masters whose hardware the boot loader left running.</summary>
    public ImmutableArray<string> BootDma { get; init; } = [];

    /// <summary>When the wait for deferred devices ends.</summary>
    public DeferredTimeout DeferredTimeout { get; init; }

    /// <summary>How the firmware's supplier links hold a probe back.</summary>
    public FirmwareLinks FirmwareLinks { get; init; } = FirmwareLinks.On;

    /// <summary>Transfers that each client's hardware makes once its driver started it; 0 for none.</summary>
    public int Transfers { get; init; } = 2;
}
