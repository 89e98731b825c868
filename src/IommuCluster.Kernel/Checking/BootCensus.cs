using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Checking;

/// <summary>How a device's probe came out.</summary>
public enum ProbeOutcome
{
    /// <summary>Nobody had to probe it: it is disabled, or no driver that is there serves it.</summary>
    None,

    /// <summary>It is bound.</summary>
    Bound,

    /// <summary>It waits for something that is not there: a supplier, its host, its IOMMU.</summary>
    Deferred,

    /// <summary>Nothing is missing, and it is not bound.</summary>
    Failed,
}

/// <summary>How one device stands when a machine is at rest.</summary>
/// <param name="Name">Its Linux name.</param>
/// <param name="Path">Path of its firmware node.</param>
/// <param name="IsIommu">True for an IOMMU.</param>
/// <param name="IsMaster">True for a master: <c>iommus</c>, <c>iommu-map</c>, or a PCI function.</param>
/// <param name="Driver">The driver that serves it; null when none does.</param>
/// <param name="IsBound">True when it is bound to its driver.</param>
/// <param name="IsRegistered">True for an IOMMU that the core has on its list.</param>
/// <param name="Domain">The domain that its group is attached to: <c>dma</c>, <c>identity</c>, <c>unmanaged</c>, <c>blocked</c>; null without a group or domain.</param>
/// <param name="IsCoherent">True when the DMA layer takes it for one that sees the CPU's caches.</param>
/// <param name="Reason">Why it is not bound; null when it is.</param>
public sealed record DeviceStanding(
    string Name,
    string Path,
    bool IsIommu,
    bool IsMaster,
    string? Driver,
    bool IsBound,
    bool IsRegistered,
    string? Domain,
    bool IsCoherent,
    string? Reason)
{
    /// <summary>How its probe came out.</summary>
    public ProbeOutcome Outcome { get; init; }
}

/// <summary>Looks at a machine at rest: what registered, what is bound, and why the rest is not.</summary>
public static class BootCensus
{
    /// <summary>Takes the census.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="bank">Its memory after a boot.</param>
    /// <returns>One entry a device, in the board's order.</returns>
    public static ImmutableArray<DeviceStanding> Take(Machine machine, MemoryBank bank)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(bank);
        var registered = Registered(bank);
        return [.. machine.Devices.Select(facts => StandingOf(machine, bank, facts, registered))];
    }

    /// <summary>Tells how probes came out, from what devices and IOMMUs say of themselves.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="bound">Numbers of the devices that are bound.</param>
    /// <param name="registered">Numbers of the IOMMUs that are registered.</param>
    /// <returns>One entry a device, in the board's order.</returns>
    internal static ImmutableArray<ProbeOutcome> Outcomes(Machine machine, IReadOnlySet<int> bound, IReadOnlySet<int> registered) =>
        [.. machine.Devices.Select(facts => bound.Contains(facts.Number) ? ProbeOutcome.Bound : WhyNot(machine, bound.Contains, facts, registered).Outcome)];

    private static DeviceStanding StandingOf(Machine machine, MemoryBank bank, DeviceFacts facts, HashSet<int> registered)
    {
        var isBound = IsBound(bank, facts.Number);
        (ProbeOutcome Outcome, string Reason) why = isBound ? (ProbeOutcome.Bound, string.Empty) : WhyNot(machine, number => IsBound(bank, number), facts, registered);
        return new DeviceStanding(
            facts.Name,
            facts.Node.Path,
            facts.IsIommu,
            !facts.Iommus.IsEmpty || !facts.Node.IommuMap.IsEmpty || facts.Host >= 0,
            facts.Driver < 0 ? null : machine.Drivers[facts.Driver].Name,
            isBound,
            registered.Contains(facts.Number),
            DomainOf(bank, Machine.DeviceAt(facts.Number)),
            Look(bank, Machine.DeviceAt(facts.Number).DmaCoherent),
            isBound ? null : why.Reason)
        {
            Outcome = why.Outcome,
        };
    }

    private static HashSet<int> Registered(MemoryBank bank)
    {
        var found = new HashSet<int>();
        var head = Soc.Globals.IommuDeviceList;
        for (var at = Look(bank, head.Next); at != head.Address && at.IsObject; at = Look(bank, new ListHead(at).Next))
        {
            if (!found.Add(Look(bank, IommuDevice.FromList(at).Fwnode) - 1))
            {
                break; // A list that a race has tied into a ring.
            }
        }

        return found;
    }

    private static string? DomainOf(MemoryBank bank, Device dev)
    {
        var group = Look(bank, dev.IommuGroup);
        var domain = group.Address.IsObject ? Look(bank, group.Domain) : default;
        return domain.Address.IsObject ? HomeCensus.NameOf(Look(bank, domain.Type)) : null;
    }

    private static (ProbeOutcome Outcome, string Reason) WhyNot(Machine machine, Func<int, bool> isBound, DeviceFacts facts, IReadOnlySet<int> registered)
    {
        if (!facts.Node.Enabled)
        {
            return (ProbeOutcome.None, "disabled");
        }

        if (facts.Driver < 0)
        {
            return (ProbeOutcome.None, facts.Node.Compatible.IsEmpty ? "no compatible, so no driver" : $"no driver here serves {facts.Node.Compatible[0]}");
        }

        if (machine.PlanOf(machine.Drivers[facts.Driver]).Load == DriverLoad.Absent)
        {
            return (ProbeOutcome.None, $"the driver {machine.Drivers[facts.Driver].Name} is absent");
        }

        var missing = facts.Suppliers.Where(supplier => !isBound(supplier)).Select(supplier => machine.Devices[supplier].Name).ToList();
        if (facts.Host >= 0 && !isBound(facts.Host))
        {
            return (ProbeOutcome.Deferred, $"its host {machine.Devices[facts.Host].Name} is not bound");
        }

        if (missing.Count > 0)
        {
            return (ProbeOutcome.Deferred, $"waits for {string.Join(", ", missing)}");
        }

        var awaited = facts.Iommus.Where(entry => entry.Iommu >= 0 && machine.Devices[entry.Iommu].Node.Enabled && !registered.Contains(entry.Iommu)).Select(entry => machine.Devices[entry.Iommu].Name).Distinct().ToList();
        return awaited.Count > 0 ? (ProbeOutcome.Deferred, $"waits for the IOMMU {string.Join(", ", awaited)}") : (ProbeOutcome.Failed, "its driver's probe failed");
    }

    private static bool IsBound(MemoryBank bank, int number) => Look(bank, Machine.DeviceAt(number).KnodeDriver);

    private static T Look<T>(MemoryBank bank, Field<T> field)
        where T : unmanaged => Word.To<T>(bank.Peek(field.Base, field.Descriptor.Word + field.Index) ?? 0);
}
