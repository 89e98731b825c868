using System.Collections.Frozen;
using System.Collections.Immutable;
using IommuCluster.Kernel.Dma;
using IommuCluster.Kernel.Drivers;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>What never changes about one device.</summary>
/// <param name="Number">Its number in the machine.</param>
/// <param name="Node">Its firmware node.</param>
/// <param name="Suppliers">Numbers of the devices that must be bound before it may probe.</param>
/// <param name="Iommus">Its specifiers, with the number of each IOMMU's device (-1: not in the machine).</param>
/// <param name="Driver">Number of the driver that serves it, or -1.</param>
internal sealed record DeviceFacts(
    int Number,
    FirmwareNode Node,
    ImmutableArray<int> Suppliers,
    ImmutableArray<(int Iommu, ImmutableArray<uint> Cells)> Iommus,
    int Driver)
{
    /// <summary>Number of the PCI host that finds it on its bus, or -1: it is in the firmware's description and there from the start.</summary>
    public int Host { get; init; } = -1;

    /// <summary>Numbers of the PCI functions that it finds on its bus as a host.</summary>
    public ImmutableArray<int> Functions { get; init; } = [];

    /// <summary>What firmware reserves of its addresses.</summary>
    public ImmutableArray<ResvRegion> Regions { get; init; } = [];

    /// <summary>True when the boot loader left its hardware running.</summary>
    public bool IsLiveAtBoot { get; init; }

    /// <summary>The Linux name of the device.</summary>
    public string Name => Node.Name;

    /// <summary>Whether a plan means this device.</summary>
    /// <param name="name">A Linux name, or the path of a node.</param>
    /// <returns>True for its own.</returns>
    public bool IsCalled(string name) => Name == name || Node.Path == name;

    /// <summary>True when the node is an IOMMU.</summary>
    public bool IsIommu => Node.IommuCells is not null;
}

/// <summary>A machine about to boot: facts of the board, the era, the drivers. Immutable; looking at it is no step.</summary>
public sealed class Machine
{
    private readonly FrozenDictionary<string, int> _numbers;

    internal Machine(BootPlan plan, ProfileSwitches profile, ImmutableArray<DeviceFacts> devices, ImmutableArray<DeviceDriver> drivers, ImmutableArray<IommuOps> ops)
    {
        Plan = plan;
        Profile = profile;
        Devices = devices;
        Drivers = drivers;
        Ops = ops;
        FinalizesProbes = ops.Any(each => each.HasProbeFinalize);
        SharedModules = [.. Enumerable.Range(0, drivers.Length).SelectMany(ModulesNeededBy).Distinct().Order()];
        HasRegions = devices.Any(device => !device.Regions.IsEmpty);
        _numbers = devices.ToFrozenDictionary(device => device.Node.Path, device => device.Number, StringComparer.Ordinal);
    }

    /// <summary>What the scenario fixed.</summary>
    public BootPlan Plan { get; }

    /// <summary>The era's switches.</summary>
    public ProfileSwitches Profile { get; }

    /// <summary>The architecture.</summary>
    public Architecture Architecture => Plan.Board.Architecture;

    /// <summary>The devices by number.</summary>
    internal ImmutableArray<DeviceFacts> Devices { get; }

    /// <summary>The drivers by number.</summary>
    internal ImmutableArray<DeviceDriver> Drivers { get; }

    /// <summary>The IOMMU drivers' ops by number.</summary>
    internal ImmutableArray<IommuOps> Ops { get; }

    /// <summary>True when one of the IOMMU drivers wants to be called at the end of a device's probe.</summary>
    internal bool FinalizesProbes { get; }

    /// <summary>True when firmware reserves addresses of some device.</summary>
    internal bool HasRegions { get; }

    /// <summary>How reports call an owner.</summary>
    /// <param name="home">The owner.</param>
    /// <returns>The device's name, or the kind and number of a group or domain.</returns>
    public string NameOf(Home home) => home.Kind switch
    {
        HomeKind.Device or HomeKind.Iommu when home.Index < Devices.Length => Devices[home.Index].Name,
        HomeKind.Group => $"group {home.Index >> 7}.{home.Index & 0x7f}",
        HomeKind.Domain => $"domain {home.Index >> 7}.{home.Index & 0x7f}",
        _ => "the kernel",
    };

    /// <summary>Names of the masters, in the board's order.</summary>
    /// <returns>Linux device names.</returns>
    public ImmutableArray<string> MasterNames() => [.. from device in Devices where device.Iommus.Length > 0 || device.Host >= 0 select device.Name];

    /// <summary>A device by number. Devices are the first thread's allocations after the globals.</summary>
    /// <param name="number">Its number.</param>
    /// <returns>The device.</returns>
    internal static Device DeviceAt(int number) => new(Address.Create(new Home(HomeKind.Device, number), thread: 1, count: 1 + number));

    /// <summary>The DMA engine of a device: its hardware's registers.</summary>
    /// <param name="number">The device's number.</param>
    /// <returns>The engine.</returns>
    internal DmaEngine EngineOf(int number) => new(Address.Create(new Home(HomeKind.Device, number), thread: 1, count: 1 + Devices.Length + number));

    /// <summary>The translation in force for a device, as its IOMMU's hardware has it.</summary>
    /// <param name="number">The device's number.</param>
    /// <returns>The stream.</returns>
    internal DmaStream StreamOf(int number) => new(Address.Create(new Home(HomeKind.Device, number), thread: 1, count: 1 + (2 * Devices.Length) + number));

    /// <summary>The static identity domain of a driver (v6.7 and later).</summary>
    /// <param name="ops">Number of the ops.</param>
    /// <returns>The domain.</returns>
    internal IommuDomain IdentityDomainOf(int ops) => new(Address.Create(Home.Soc, thread: 1, count: 1 + (3 * Devices.Length) + ops));

    /// <summary>Numbers of the drivers whose modules others need, in the order of their <see cref="Module"/> objects.</summary>
    internal ImmutableArray<int> SharedModules { get; }

    /// <summary>The module of a driver, when more than one modprobe may load it.</summary>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>The module, or null.</returns>
    internal Module? SharedModuleOf(int driver) => SharedModules.IndexOf(driver) is >= 0 and var index
        ? new Module(Address.Create(Home.Soc, thread: 1, count: 1 + (3 * Devices.Length) + Ops.Length + index))
        : null;

    /// <summary>The modules that a driver's module needs, each after those that it needs itself.</summary>
    /// <param name="driver">Number of the driver.</param>
    /// <returns>Numbers of drivers.</returns>
    internal IEnumerable<int> ModulesNeededBy(int driver) =>
        PlanOf(Drivers[driver]).Needs.SelectMany(name => NumbersOf(name).SelectMany(number => ModulesNeededBy(number).Append(number))).Distinct();

    private IEnumerable<int> NumbersOf(string module) =>
        Enumerable.Range(0, Drivers.Length).Where(number => Drivers[number].Name == module && PlanOf(Drivers[number]).Load == DriverLoad.Module);

    /// <summary>The facts of a device.</summary>
    /// <param name="dev">The device.</param>
    /// <returns>Its facts.</returns>
    internal DeviceFacts FactsOf(Device dev) => Devices[dev.Number];

    /// <summary>The devices that a device's firmware node names as suppliers, whether their links hold it back or not.</summary>
    /// <param name="dev">The device.</param>
    /// <param name="kind">The property that names them.</param>
    /// <returns>The suppliers that are in the machine and not disabled.</returns>
    internal IEnumerable<Device> SuppliersOf(Device dev, SupplierKind kind) =>
        from supplier in FactsOf(dev).Node.Suppliers
        where supplier.Kind == kind && _numbers.ContainsKey(supplier.Node)
        let facts = Devices[_numbers[supplier.Node]]
        where facts.Node.Enabled
        select DeviceAt(facts.Number);

    /// <summary>The switch of a driver, as the plan sets it.</summary>
    /// <param name="driver">The driver.</param>
    /// <param name="name">The switch.</param>
    /// <param name="otherwise">Its default.</param>
    /// <returns>Its value.</returns>
    internal string SwitchOf(string driver, string name, string otherwise) =>
        PlanOf(driver)?.Switches.GetValueOrDefault(name, otherwise) ?? otherwise;

    /// <summary>How a driver comes, where the plan says so.</summary>
    /// <param name="driver">The driver's name.</param>
    /// <returns>Its plan, or null.</returns>
    internal DriverPlan? PlanOf(string driver)
    {
        foreach (var plan in Plan.Drivers)
        {
            if (plan.Driver == driver)
            {
                return plan;
            }
        }

        return null;
    }

    /// <summary>How a driver comes: as the plan says, or as its kind does by default.</summary>
    /// <param name="driver">The driver.</param>
    /// <returns>Its plan.</returns>
    internal DriverPlan PlanOf(DeviceDriver driver) =>
        PlanOf(driver.Name) ?? (driver.IsClient ? Plan.Clients : new DriverPlan(driver.Name, DriverLoad.BuiltIn, ProbeMode.Synchronous, ImmutableSortedDictionary<string, string>.Empty));
}
