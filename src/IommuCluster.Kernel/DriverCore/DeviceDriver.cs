using System.Collections.Immutable;
using System.Globalization;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>Initcall levels at which built-in drivers are registered, in order (Linux: <c>include/linux/init.h</c>).</summary>
internal enum InitcallLevel
{
    /// <summary>core_initcall to arch_initcall: what others need first (clocks, power domains, pin controllers).</summary>
    Core,

    /// <summary>subsys_initcall.</summary>
    Subsys,

    /// <summary>device_initcall, and what <c>module_init</c> becomes when built in.</summary>
    Device,
}

/// <summary>A <c>before</c>/<c>after</c> or a limit of a driver, which a scenario may set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Words">What it may be; none for a number from 1 on.</param>
internal sealed record DriverSwitch(string Name, params ImmutableArray<string> Words)
{
    /// <summary>What it may be, for people.</summary>
    public string Values => Words.IsEmpty ? "a number from 1 on" : string.Join(" or ", Words);

    /// <summary>Whether a value is one of its.</summary>
    /// <param name="value">The value.</param>
    /// <returns>True when it may be set.</returns>
    public bool Takes(string value) =>
        Words.IsEmpty ? int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 : Words.Contains(value);
}

/// <summary>A <c>struct device_driver</c>. Drivers are constant; what they change is in memory.</summary>
/// <param name="name">The kernel's name of the driver.</param>
/// <param name="level">When it is registered if built in.</param>
internal abstract class DeviceDriver(string name, InitcallLevel level)
{
    /// <summary>The kernel's name of the driver.</summary>
    public string Name { get; } = name;

    /// <summary>When it is registered if built in.</summary>
    public InitcallLevel Level { get; } = level;

    /// <summary>What a scenario may set.</summary>
    public virtual ImmutableArray<DriverSwitch> Switches => [];

    /// <summary>True for drivers that manage DMA ownership themselves (VFIO).</summary>
    public virtual bool DriverManagedDma => false;

    /// <summary>True for drivers that come as the plan says of clients unless it names them.</summary>
    public virtual bool IsClient => false;

    /// <summary>True when the driver serves the device (Linux: <c>of_match_device</c>).</summary>
    /// <param name="device">The device's facts.</param>
    /// <returns>True when one of its compatible strings is in the driver's table.</returns>
    public abstract bool Matches(DeviceFacts device);

    /// <summary>The driver's probe function.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device.</param>
    /// <returns>0, -EPROBE_DEFER, or another error.</returns>
    public abstract Flow<Errno> Probe(KernelThread t, Device dev);

    /// <summary>The driver's remove function.</summary>
    /// <param name="t">The running thread; holds the device's mutex.</param>
    /// <param name="dev">The device.</param>
    /// <returns>Completes when the driver has let go of the device.</returns>
    public virtual Flow Remove(KernelThread t, Device dev) => Flow.Completed;
}
