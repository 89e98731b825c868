using System.Collections.Immutable;
using System.Globalization;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Firmware;

/// <summary>
/// The functions behind host bridges. What is plugged or soldered there is not in the firmware's description, so that a
/// scenario names their requester ids; without one there is one function a host, at the first id that its map knows.
/// </summary>
public static class PciFunctions
{
    /// <summary>What a function's node has as <c>compatible</c>; its class is known to nobody before the scan.</summary>
    public const string Compatible = "pci-endpoint";

    /// <summary>
    /// The PCI hosts of a board that matter to IOMMUs: enabled nodes called <c>pci</c> or <c>pcie</c>, as the specification
    /// has it, that have a map or functions of their own on the board. Other buses with a map (fsl-mc) are none.
    /// </summary>
    /// <param name="board">The board.</param>
    /// <returns>The hosts; the place in the list is the host's PCI domain.</returns>
    public static ImmutableArray<FirmwareNode> HostsOf(Board board)
    {
        ArgumentNullException.ThrowIfNull(board);
        var withFunctions = board.Nodes.Where(IsFunction).Select(node => node.Path[..node.Path.LastIndexOf('/')]).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. board.Nodes.Where(node => node.Enabled
                && (!node.IommuMap.IsEmpty || withFunctions.Contains(node.Path))
                && node.Path[(node.Path.LastIndexOf('/') + 1)..].StartsWith("pci", StringComparison.Ordinal)),
        ];
    }

    /// <summary>The functions that a board itself names behind a host.</summary>
    /// <param name="board">The board.</param>
    /// <param name="host">The host.</param>
    /// <returns>Their nodes.</returns>
    public static ImmutableArray<FirmwareNode> NamedBehind(Board board, FirmwareNode host)
    {
        ArgumentNullException.ThrowIfNull(board);
        ArgumentNullException.ThrowIfNull(host);
        return [.. board.Nodes.Where(node => IsFunction(node) && node.Enabled && node.Path.StartsWith(host.Path, StringComparison.Ordinal) && node.Path.LastIndexOf('/') == host.Path.Length)];
    }

    /// <summary>The functions behind a host.</summary>
    /// <param name="host">The host.</param>
    /// <param name="domain">Its PCI domain.</param>
    /// <param name="requesterIds">Their requester ids; null for the default.</param>
    /// <returns>
    /// A node each, with the specifier that the host's map gives its id (none where the map has none); called as Linux
    /// calls PCI devices, <c>0000:01:00.0</c>.
    /// </returns>
    public static ImmutableArray<FirmwareNode> Behind(FirmwareNode host, int domain, ImmutableArray<uint>? requesterIds = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        var ids = requesterIds ?? (IommuMap.FirstMappedId(host) is { } first ? [first] : []);
        return [.. ids.Distinct().Select(id => Function(host, domain, id))];
    }

    /// <summary>The Linux name of a function.</summary>
    /// <param name="domain">PCI domain (ACPI: segment).</param>
    /// <param name="requesterId">Bus in bits 8 to 15, device in 3 to 7, function in 0 to 2; bits above count domains.</param>
    /// <returns><c>0000:01:00.0</c>.</returns>
    public static string NameOf(int domain, uint requesterId) => string.Create(
        CultureInfo.InvariantCulture,
        $"{domain + (requesterId >> 16):x4}:{(requesterId >> 8) & 0xff:x2}:{(requesterId >> 3) & 0x1f:x2}.{requesterId & 7}");

    private static bool IsFunction(FirmwareNode node) => node.Compatible is [Compatible, ..];

    /// <summary>A host that is called <c>pci0001:00</c>, as firmware tables have it, tells its domain.</summary>
    private static int DomainOf(FirmwareNode host, int otherwise) =>
        host.Name.Length == 10 && host.Name[7] == ':' && int.TryParse(host.Name.AsSpan(3, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var domain) ? domain : otherwise;

    private static FirmwareNode Function(FirmwareNode host, int domain, uint id)
    {
        var name = NameOf(DomainOf(host, domain), id);
        var translated = IommuMap.Translate(host, id);
        return new FirmwareNode(
            $"{host.Path}/{name}", name, [Compatible], Enabled: true, IommuCells: null, Registers: 0, Interrupts: 0, GlobalInterrupts: 0,
            StreamMatchMask: 0, translated.Error == Errno.None ? [translated.Specifier!] : [], IommuMap: [], IommuMapMask: uint.MaxValue, Suppliers: [], host.DmaCoherent);
    }
}
