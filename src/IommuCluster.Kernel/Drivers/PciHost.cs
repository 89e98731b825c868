using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Drivers;

/// <summary>
/// A PCI host bridge: its probe scans the bus on the same thread. All functions are added first, and can be bound only
/// then. A user cannot unbind host bridges (<c>suppress_bind_attrs</c>); a host that probes again finds its functions there.
/// </summary>
/// <param name="compatible">What it serves; also its name.</param>
internal sealed class PciHost(string compatible) : DeviceDriver(compatible, InitcallLevel.Device)
{
    /// <inheritdoc/>
    public override bool Matches(DeviceFacts device) =>
        !device.Functions.IsEmpty && !device.Node.Compatible.IsEmpty && device.Node.Compatible[0] == Name;

    /// <inheritdoc/>
    [KernelSource("drivers/pci/probe.c", "pci_host_probe")]
    public override async Flow<Errno> Probe(KernelThread t, Device dev)
    {
        using var frame = t.Call("pci_host_probe");
        var functions = t.Machine.FactsOf(dev).Functions;
        foreach (var number in functions)
        {
            var function = Machine.DeviceAt(number);
            if ((await t.Load(function.KnodeBus.Next)).IsNull)
            {
                await Core.PciDeviceAdd(t, function);
            }
        }

        await PciBusAddDevices(t, dev);
        return Errno.None;
    }

    [KernelSource("drivers/pci/bus.c", "pci_bus_add_devices")]
    private static async Flow PciBusAddDevices(KernelThread t, Device dev)
    {
        using var frame = t.Call();
        foreach (var number in t.Machine.FactsOf(dev).Functions)
        {
            await Bus.BusProbeDevice(t, Machine.DeviceAt(number));
        }
    }
}
