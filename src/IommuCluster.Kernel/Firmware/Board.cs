using System.Collections.Immutable;

namespace IommuCluster.Kernel.Firmware;

/// <summary>The architecture that a board's CPU nodes tell; it decides pointer size, DMA layer and defaults.</summary>
public enum Architecture
{
    /// <summary>32-bit Arm: ARM DMA mapping ops, four-byte pointers.</summary>
    Arm,

    /// <summary>64-bit Arm: iommu-dma, eight-byte pointers.</summary>
    Arm64,

    /// <summary>x86, 64 bit.</summary>
    X86,
}

/// <summary>What a machine's firmware says about its devices and IOMMUs: facts only, immutable, no behaviour.</summary>
/// <param name="Name">Short name, as the device tree file is called without extension (<c>rk3288-firefly</c>).</param>
/// <param name="Model">The root node's <c>model</c>.</param>
/// <param name="Compatible">The root node's <c>compatible</c> list, most specific first.</param>
/// <param name="Architecture">From the CPU nodes' <c>compatible</c> and <c>#address-cells</c>.</param>
/// <param name="Source">Where the facts were read: file name and kernel release, for people.</param>
/// <param name="Nodes">Device nodes in the firmware's order; parents precede children.</param>
/// <param name="ReservedMemory">Reserved memory regions that name the devices which use them.</param>
public sealed record Board(
    string Name,
    string Model,
    ImmutableArray<string> Compatible,
    Architecture Architecture,
    string Source,
    ImmutableArray<FirmwareNode> Nodes,
    ImmutableArray<ReservedRegion> ReservedMemory)
{
    /// <summary>The groups that a running Linux had made of the devices, by number; empty for a board read from files.</summary>
    public ImmutableArray<LiveGroup> LiveGroups { get; init; } = [];
}

/// <summary>A group as a running Linux shows it under <c>/sys/kernel/iommu_groups</c>.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Type">The type of its default domain as Linux writes it (<c>DMA</c>, <c>DMA-FQ</c>, <c>identity</c>, …); empty when not told.</param>
/// <param name="Devices">Linux names of its devices, in the order of their names.</param>
public sealed record LiveGroup(int Number, string Type, ImmutableArray<string> Devices);

/// <summary>One device node.</summary>
/// <param name="Path">Full path in the tree (<c>/soc/ufshc@1d84000</c>); unique in the board.</param>
/// <param name="Name">The Linux device name the node gets (<c>1d84000.ufshc</c>): translated address, node name.</param>
/// <param name="Compatible">The <c>compatible</c> list, most specific first; empty for nodes that have none.</param>
/// <param name="Enabled">True when the node's own <c>status</c> and that of every parent is absent, "okay" or "ok".</param>
/// <param name="IommuCells"><c>#iommu-cells</c>, or null when the node is no IOMMU.</param>
/// <param name="Registers">Number of <c>reg</c> entries (several hardware instances in one IOMMU node).</param>
/// <param name="Interrupts">Number of interrupts; with <see cref="GlobalInterrupts"/> an upper bound of context banks.</param>
/// <param name="GlobalInterrupts"><c>#global-interrupts</c> of an arm-smmu, else 0.</param>
/// <param name="StreamMatchMask"><c>stream-match-mask</c> of an arm-smmu, else 0.</param>
/// <param name="Iommus">The <c>iommus</c> specifiers in order; empty when the node is no master.</param>
/// <param name="IommuMap">The <c>iommu-map</c> entries in order; empty when there is none.</param>
/// <param name="IommuMapMask"><c>iommu-map-mask</c>; all ones when absent.</param>
/// <param name="Suppliers">
/// Every other node, itself and those below it left out, that this one names through a property that firmware links know:
/// once a kind, grouped by kind, disabled ones too (no link is made to those).
/// </param>
/// <param name="DmaCoherent">True for <c>dma-coherent</c>, false for <c>dma-noncoherent</c> on the node or a parent, null when neither is said.</param>
public sealed record FirmwareNode(
    string Path,
    string Name,
    ImmutableArray<string> Compatible,
    bool Enabled,
    int? IommuCells,
    int Registers,
    int Interrupts,
    int GlobalInterrupts,
    uint StreamMatchMask,
    ImmutableArray<IommuSpecifier> Iommus,
    ImmutableArray<IommuMapEntry> IommuMap,
    uint IommuMapMask,
    ImmutableArray<Supplier> Suppliers,
    bool? DmaCoherent);

/// <summary>One entry of <c>iommus</c>.</summary>
/// <param name="Iommu">Path of the IOMMU's node.</param>
/// <param name="Cells">The specifier's cells; as many as the IOMMU's <c>#iommu-cells</c>, or one that came through an <c>iommu-map</c> of the form up to 7.1.</param>
public sealed record IommuSpecifier(string Iommu, ImmutableArray<uint> Cells);

/// <summary>One entry of <c>iommu-map</c>.</summary>
/// <param name="IdBase">First input id (PCI requester id) of the range.</param>
/// <param name="Iommu">Path of the IOMMU's node.</param>
/// <param name="Cells">Output cells; one in the form used up to 7.1, <c>#iommu-cells</c> many in the newer form.</param>
/// <param name="Length">Number of ids in the range; 0 matches nothing.</param>
public sealed record IommuMapEntry(uint IdBase, string Iommu, ImmutableArray<uint> Cells, uint Length);

/// <summary>A node that another one needs, as firmware device links see it.</summary>
/// <param name="Kind">Which property named it.</param>
/// <param name="Node">Path of the supplier's node.</param>
public sealed record Supplier(SupplierKind Kind, string Node);

/// <summary>The properties that create firmware device links (Linux: <c>drivers/of/property.c</c>, <c>of_supplier_bindings</c>).</summary>
public enum SupplierKind
{
    /// <summary><c>clocks</c>.</summary>
    Clock,

    /// <summary><c>power-domains</c>.</summary>
    PowerDomain,

    /// <summary><c>phys</c>.</summary>
    Phy,

    /// <summary><c>resets</c>.</summary>
    Reset,

    /// <summary><c>*-supply</c>.</summary>
    Regulator,

    /// <summary><c>interconnects</c>.</summary>
    Interconnect,

    /// <summary><c>dmas</c>.</summary>
    Dma,

    /// <summary><c>mboxes</c>.</summary>
    Mailbox,

    /// <summary><c>pinctrl-0</c> … <c>pinctrl-8</c>.</summary>
    Pinctrl,

    /// <summary><c>gpios</c>, <c>*-gpios</c>, <c>*-gpio</c>.</summary>
    Gpio,

    /// <summary><c>interrupts</c> and <c>interrupts-extended</c>, through the interrupt parent.</summary>
    Interrupt,

    /// <summary><c>nvmem-cells</c>.</summary>
    Nvmem,

    /// <summary><c>io-channels</c>, <c>io-backends</c>.</summary>
    IoChannel,

    /// <summary><c>hwlocks</c>.</summary>
    HwLock,

    /// <summary><c>pwms</c>.</summary>
    Pwm,

    /// <summary><c>extcon</c>.</summary>
    Extcon,

    /// <summary><c>wakeup-parent</c>.</summary>
    WakeupParent,

    /// <summary><c>backlight</c>, <c>panel</c>, <c>leds</c>.</summary>
    Display,

    /// <summary><c>remote-endpoint</c>: the device at the other end of a graph link.</summary>
    RemoteEndpoint,

    /// <summary><c>msi-parent</c>, <c>msi-map</c>.</summary>
    Msi,

    /// <summary><c>mediatek,larbs</c>, <c>mediatek,larb</c>, <c>mediatek,smi</c>.</summary>
    MediaTekLarb,

    /// <summary><c>access-controllers</c>.</summary>
    AccessController,

    /// <summary><c>power-supplies</c>.</summary>
    PowerSupply,

    /// <summary><c>pses</c>: what feeds a network port.</summary>
    PowerSourcingEquipment,
}

/// <summary>A reserved memory region with <c>iommu-addresses</c> or a <c>memory-region</c> user.</summary>
/// <param name="Path">Path of the region's node.</param>
/// <param name="Base">First physical address, or null when the node has no <c>reg</c> (then it only reserves).</param>
/// <param name="Length">Length in bytes; 0 when the node has no <c>reg</c>.</param>
/// <param name="IommuAddresses">What <c>iommu-addresses</c> says, one entry a device.</param>
/// <param name="Users">Paths of the nodes whose <c>memory-region</c> names the region.</param>
public sealed record ReservedRegion(
    string Path,
    ulong? Base,
    ulong Length,
    ImmutableArray<IommuAddressRange> IommuAddresses,
    ImmutableArray<string> Users);

/// <summary>One entry of <c>iommu-addresses</c>.</summary>
/// <param name="Device">Path of the master.</param>
/// <param name="Start">First I/O virtual address.</param>
/// <param name="Length">Length in bytes.</param>
public sealed record IommuAddressRange(string Device, ulong Start, ulong Length);
