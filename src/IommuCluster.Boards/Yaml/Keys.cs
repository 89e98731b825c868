using System.Collections.Frozen;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Yaml;

/// <summary>The words of the YAML form, where they are not the device tree's own.</summary>
internal static class Keys
{
    /// <summary>How a kind of supplier is called under <c>needs</c>: as its property in a device tree, mostly.</summary>
    internal static readonly FrozenDictionary<SupplierKind, string> SupplierNames = new Dictionary<SupplierKind, string>
    {
        [SupplierKind.Clock] = "clocks",
        [SupplierKind.PowerDomain] = "power-domains",
        [SupplierKind.Phy] = "phys",
        [SupplierKind.Reset] = "resets",
        [SupplierKind.Regulator] = "supplies",
        [SupplierKind.Interconnect] = "interconnects",
        [SupplierKind.Dma] = "dmas",
        [SupplierKind.Mailbox] = "mboxes",
        [SupplierKind.Pinctrl] = "pinctrl",
        [SupplierKind.Gpio] = "gpios",
        [SupplierKind.Interrupt] = "interrupts",
        [SupplierKind.Nvmem] = "nvmem-cells",
        [SupplierKind.IoChannel] = "io-channels",
        [SupplierKind.HwLock] = "hwlocks",
        [SupplierKind.Pwm] = "pwms",
        [SupplierKind.Extcon] = "extcon",
        [SupplierKind.WakeupParent] = "wakeup-parent",
        [SupplierKind.Display] = "display",
        [SupplierKind.RemoteEndpoint] = "remote-endpoints",
        [SupplierKind.Msi] = "msi",
        [SupplierKind.MediaTekLarb] = "larbs",
        [SupplierKind.AccessController] = "access-controllers",
        [SupplierKind.PowerSupply] = "power-supplies",
        [SupplierKind.PowerSourcingEquipment] = "pses",
    }.ToFrozenDictionary();

    /// <summary>The kind of supplier by its name under <c>needs</c>.</summary>
    internal static readonly FrozenDictionary<string, SupplierKind> SupplierKinds =
        SupplierNames.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>How an architecture is called: as Debian and the kernel's <c>arch/</c> do.</summary>
    internal static readonly FrozenDictionary<string, Architecture> Architectures = new Dictionary<string, Architecture>(StringComparer.Ordinal)
    {
        ["arm"] = Architecture.Arm,
        ["arm64"] = Architecture.Arm64,
        ["x86"] = Architecture.X86,
    }.ToFrozenDictionary(StringComparer.Ordinal);
}
