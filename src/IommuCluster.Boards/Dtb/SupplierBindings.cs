using System.Collections.Frozen;
using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Dtb;

/// <summary>
/// Finds the suppliers that a device's node names, as drivers/of/property.c does for firmware device links
/// (<c>of_supplier_bindings</c>), and MediaTek's larbs, which their drivers link by hand. What a sub-node that is no
/// device names does not count (the kernel's link for it never holds a probe back), but for graph endpoints.
/// </summary>
internal sealed class SupplierBindings
{
    private static readonly FrozenDictionary<string, (SupplierKind Kind, string? Cells)> s_lists =
        new Dictionary<string, (SupplierKind, string?)>(StringComparer.Ordinal)
        {
            ["clocks"] = (SupplierKind.Clock, "#clock-cells"),
            ["power-domains"] = (SupplierKind.PowerDomain, "#power-domain-cells"),
            ["phys"] = (SupplierKind.Phy, "#phy-cells"),
            ["resets"] = (SupplierKind.Reset, "#reset-cells"),
            ["interconnects"] = (SupplierKind.Interconnect, "#interconnect-cells"),
            ["dmas"] = (SupplierKind.Dma, "#dma-cells"),
            ["mboxes"] = (SupplierKind.Mailbox, "#mbox-cells"),
            ["gpio"] = (SupplierKind.Gpio, "#gpio-cells"),
            ["gpios"] = (SupplierKind.Gpio, "#gpio-cells"),
            ["nvmem-cells"] = (SupplierKind.Nvmem, "#nvmem-cell-cells"),
            ["io-channels"] = (SupplierKind.IoChannel, "#io-channel-cells"),
            ["io-backends"] = (SupplierKind.IoChannel, "#io-backend-cells"),
            ["hwlocks"] = (SupplierKind.HwLock, "#hwlock-cells"),
            ["pwms"] = (SupplierKind.Pwm, "#pwm-cells"),
            ["extcon"] = (SupplierKind.Extcon, null),
            ["wakeup-parent"] = (SupplierKind.WakeupParent, null),
            ["backlight"] = (SupplierKind.Display, null),
            ["panel"] = (SupplierKind.Display, null),
            ["leds"] = (SupplierKind.Display, null),
            ["msi-parent"] = (SupplierKind.Msi, "#msi-cells"),
            ["mediatek,larbs"] = (SupplierKind.MediaTekLarb, null),
            ["mediatek,larb"] = (SupplierKind.MediaTekLarb, null),
            ["mediatek,smi"] = (SupplierKind.MediaTekLarb, null),
            ["access-controllers"] = (SupplierKind.AccessController, "#access-controller-cells"),
            ["power-supplies"] = (SupplierKind.PowerSupply, null),
            ["pses"] = (SupplierKind.PowerSourcingEquipment, "#pse-cells"),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly PhandleLists _phandles;
    private readonly DtbInterrupts _interrupts;
    private readonly DtbDevices _devices;
    private readonly Dictionary<DtbNode, List<DtbNode>> _endpoints = [];

    internal SupplierBindings(DtbTree tree, PhandleLists phandles, DtbInterrupts interrupts, DtbDevices devices)
    {
        (_phandles, _interrupts, _devices) = (phandles, interrupts, devices);
        foreach (var endpoint in tree.Nodes)
        {
            if (endpoint.Cell("remote-endpoint") is { } phandle && phandles.ByPhandle(phandle) is { } remote
                && devices.DeviceOf(endpoint) is { } device)
            {
                Add(_endpoints, device, remote);
            }
        }
    }

    /// <summary>A device's suppliers, each once a kind, grouped by kind; kinds and suppliers in the order of the properties.</summary>
    internal ImmutableArray<Supplier> Read(DtbNode device)
    {
        var kinds = new List<(SupplierKind Kind, HashSet<DtbNode> Nodes)>();
        foreach (var (kind, target) in Named(device).Concat(Endpoints(device)))
        {
            // A device never waits for itself, nor for one below it, which cannot be there before it is.
            if (_devices.DeviceOf(target) is { } supplier && supplier != device && !supplier.Path.StartsWith(device.Path + "/", StringComparison.Ordinal))
            {
                Group(kinds, kind).Add(supplier);
            }
        }

        return [.. kinds.SelectMany(group => group.Nodes.Select(node => new Supplier(group.Kind, node.Path)))];
    }

    private IEnumerable<(SupplierKind Kind, DtbNode Target)> Endpoints(DtbNode device) =>
        (_endpoints.GetValueOrDefault(device) ?? []).Select(remote => (SupplierKind.RemoteEndpoint, remote));

    private static void Add(Dictionary<DtbNode, List<DtbNode>> lists, DtbNode key, DtbNode value)
    {
        if (!lists.TryGetValue(key, out var list))
        {
            lists.Add(key, list = []);
        }

        list.Add(value);
    }

    private static HashSet<DtbNode> Group(List<(SupplierKind Kind, HashSet<DtbNode> Nodes)> kinds, SupplierKind kind)
    {
        var index = kinds.FindIndex(group => group.Kind == kind);
        if (index < 0)
        {
            kinds.Add((kind, []));
            index = kinds.Count - 1;
        }

        return kinds[index].Nodes;
    }

    private IEnumerable<(SupplierKind Kind, DtbNode Target)> Named(DtbNode device)
    {
        foreach (var property in device.Properties)
        {
            if (Binding(device, property.Name) is var (kind, cells))
            {
                // Where a named node lacks the count of arguments, the kernel takes 0; for gpios alone it stops.
                foreach (var entry in _phandles.Read(device, property, cells, required: false, mayLackCells: kind != SupplierKind.Gpio))
                {
                    yield return (kind, entry.Target);
                }
            }
            else if (property.Name is "msi-map")
            {
                foreach (var target in MsiMap(property))
                {
                    yield return (SupplierKind.Msi, target);
                }
            }
            else
            {
                foreach (var controller in _interrupts.Controllers(device, property))
                {
                    yield return (SupplierKind.Interrupt, controller);
                }
            }
        }
    }

    private static (SupplierKind Kind, string? Cells)? Binding(DtbNode device, string name)
    {
        if (s_lists.TryGetValue(name, out var list))
        {
            // A hog's gpios are its parent's own.
            return list.Kind == SupplierKind.Gpio && device.Has("gpio-hog") ? null : list;
        }

        return name switch
        {
            _ when name.EndsWith("-supply", StringComparison.Ordinal) => (SupplierKind.Regulator, null),
            _ when name.EndsWith(",nr-gpios", StringComparison.Ordinal) => null,
            _ when name.EndsWith("-gpios", StringComparison.Ordinal) || name.EndsWith("-gpio", StringComparison.Ordinal) => (SupplierKind.Gpio, "#gpio-cells"),
            _ when name is ['p', 'i', 'n', 'c', 't', 'r', 'l', '-', >= '0' and <= '8'] => (SupplierKind.Pinctrl, null),
            _ => null,
        };
    }

    // Entries of four cells: an id, the MSI controller, its first id, a length.
    private IEnumerable<DtbNode> MsiMap(DtbProperty map)
    {
        for (var at = 1; at + 2 < map.Cells; at += 4)
        {
            if (_phandles.ByPhandle(map.Cell(at)) is { } target)
            {
                yield return target;
            }
        }
    }
}
