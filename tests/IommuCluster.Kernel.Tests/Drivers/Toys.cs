using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Profiles;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Drivers;

/// <summary>Boards of a few nodes, booted once.</summary>
internal static class Toys
{
    internal static FirmwareNode Node(string path, string compatible) => new(
        path, path.TrimStart('/'), [.. compatible.Split(' ')], Enabled: true, IommuCells: null, Registers: 1, Interrupts: 0, GlobalInterrupts: 0,
        StreamMatchMask: 0, [], [], uint.MaxValue, [], DmaCoherent: null);

    internal static FirmwareNode Iommu(string path, string compatible, int contexts, int cells = 1) =>
        Node(path, compatible) with { IommuCells = cells, Interrupts = contexts + 1, GlobalInterrupts = 1 };

    internal static FirmwareNode Behind(this FirmwareNode master, string iommu, params uint[] cells) =>
        master with { Iommus = master.Iommus.Add(new IommuSpecifier(iommu, [.. cells])) };

    internal static FirmwareNode Needs(this FirmwareNode node, SupplierKind kind, string supplier) =>
        node with { Suppliers = node.Suppliers.Add(new Supplier(kind, supplier)) };

    internal static BootPlan Plan(string profile, Architecture architecture, params FirmwareNode[] nodes) => new()
    {
        Board = new Board("toy", "Toy", [], architecture, "a test", [.. nodes], []),
        Profile = ProfileCatalog.Find(profile)!,
    };

    /// <summary>Boots and has a thread look at the machine at rest.</summary>
    internal static void Boot(BootPlan plan, Func<KernelThread, Flow> look)
    {
        var looked = false;
        var boot = BootWorkload.Create(plan);
        var stage = new Stage("look", [new ThreadStart("look", async t =>
        {
            await look(t);
            looked = true;
        })]);
        Explore.Once(new InTurn(), boot with { Stages = boot.Stages.Add(stage) });
        Assert.True(looked);
    }

    /// <summary>The domain that a device's group is on.</summary>
    internal static async Flow<Kernel.Iommu.IommuDomain> DomainOf(KernelThread t, string name)
    {
        var group = await t.Load(Machine.DeviceAt(NumberOf(t, name)).IommuGroup);
        return group.Address.IsNull ? default : await t.Load(group.Domain);
    }

    internal static int NumberOf(KernelThread t, string name) => t.Machine.Devices.Single(device => device.Name == name).Number;
}
