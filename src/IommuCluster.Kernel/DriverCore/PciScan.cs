using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>What the scan of each PCI bus is going to find, by the plan.</summary>
internal sealed class PciScan
{
    /// <summary>Functions behind one host; a scenario needs a handful.</summary>
    private const int MaxFunctions = 64;

    private readonly Dictionary<string, ImmutableArray<FirmwareNode>> _behind = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _hosts = new(StringComparer.Ordinal);

    private PciScan()
    {
    }

    /// <summary>Reads a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <returns>What is behind each of its board's hosts.</returns>
    /// <exception cref="BootPlanException">The plan names a host that the board does not have, or an id that is none.</exception>
    public static PciScan Of(BootPlan plan)
    {
        var scan = new PciScan();
        var hosts = PciFunctions.HostsOf(plan.Board);
        Check(plan, hosts);
        for (var domain = 0; domain < hosts.Length; domain++)
        {
            var host = hosts[domain];
            var named = PciFunctions.NamedBehind(plan.Board, host);
            var functions = plan.PciFunctions.TryGetValue(host.Name, out var ids) ? PciFunctions.Behind(host, domain, ids)
                : named.IsEmpty ? PciFunctions.Behind(host, domain)
                : [];
            functions = [.. named, .. functions.Where(function => !named.Any(other => other.Path == function.Path))];
            scan._behind.Add(host.Path, functions);
            foreach (var function in functions)
            {
                scan._hosts.Add(function.Path, host.Path);
            }
        }

        return scan;
    }

    /// <summary>The functions behind a node.</summary>
    /// <param name="path">Path of the node.</param>
    /// <returns>Their nodes; none for what is no host.</returns>
    public ImmutableArray<FirmwareNode> Behind(string path) => _behind.GetValueOrDefault(path, []);

    /// <summary>The host that a function is behind.</summary>
    /// <param name="path">Path of the function's node.</param>
    /// <returns>Path of the host; null for what is no function found by a scan.</returns>
    public string? HostOf(string path) => _hosts.GetValueOrDefault(path);

    private static void Check(BootPlan plan, ImmutableArray<FirmwareNode> hosts)
    {
        foreach (var (name, ids) in plan.PciFunctions)
        {
            if (!hosts.Any(host => host.Name == name))
            {
                throw new BootPlanException($"board {plan.Board.Name} has no enabled PCI host with an iommu-map called '{name}'; it has {string.Join(", ", hosts.Select(host => host.Name).DefaultIfEmpty("none"))}");
            }

            if (ids.Length > MaxFunctions || ids.Any(id => id > ushort.MaxValue))
            {
                throw new BootPlanException($"the functions behind {name} must be at most {MaxFunctions} requester ids from 0x0 to 0xffff");
            }
        }
    }
}
