using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Tests.Drivers;
using IommuCluster.Exploration.Strategies;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.DriverCore;

/// <summary>Who waits for whom, and for how long.</summary>
public sealed class DeferredTimeoutTests
{
    [Theory]
    [InlineData(FirmwareLinks.Off, false)]
    [InlineData(FirmwareLinks.Permissive, false)]
    [InlineData(FirmwareLinks.On, false)]
    [InlineData(FirmwareLinks.Strict, true)]
    public void Links_ToAnIommu_HoldBackOnlyIfStrict(FirmwareLinks links, bool holds)
    {
        var machine = MachineBuilder.Build(Plan(links, DriverLoad.BuiltIn));

        Assert.Equal(holds, machine.Devices.Single(device => device.Name == "master").Suppliers.Contains(0));
        Assert.Equal(holds, machine.Devices.Single(device => device.Name == "pcie").Suppliers.Contains(0));
    }

    [Theory]
    [InlineData(FirmwareLinks.Off)]
    [InlineData(FirmwareLinks.On)]
    [InlineData(FirmwareLinks.Strict)]
    public void Master_OfAnIommuWithoutDriver_BindsUntranslatedAfterTheTimeOut(FirmwareLinks links) =>
        Toys.Boot(Plan(links, DriverLoad.Absent), async t =>
        {
            Assert.True(await t.Load(Device(t).KnodeDriver, Marking.Atomic));
            Assert.True((await t.Load(Device(t).IommuGroup)).Address.IsNull);
            Assert.Equal(0, await t.Load(Soc.Globals.DeferredProbeTimeout));
        });

    [Fact]
    public void Master_OfASupplierWithoutDriver_BindsAfterTheTimeOut()
    {
        var plan = Plan(FirmwareLinks.On, DriverLoad.BuiltIn);
        Toys.Boot(
            plan with { Drivers = plan.Drivers.Add(Driver("toy,clock", DriverLoad.Absent)) },
            async t => Assert.True(await t.Load(Device(t).KnodeDriver, Marking.Atomic)));
    }

    [Theory]
    [InlineData(DeferredTimeout.AtRest, false)]
    [InlineData(DeferredTimeout.Races, true)]
    public void Master_OfAnIommuThatIsAModule_MissesItOnlyIfTheTimeOutRaces(DeferredTimeout timeout, bool misses)
    {
        var boot = BootWorkload.Create(Plan(FirmwareLinks.On, DriverLoad.Module) with { DeferredTimeout = timeout });
        var untranslated = 0;
        var look = new Stage("look", [new ThreadStart("look", async t =>
            untranslated += await t.Load(t.Machine.EngineOf(Device(t).Number).Ops, Marking.Hardware) == DmaOps.Direct ? 1 : 0)]);

        Explore.With(new RandomWalk(1), boot with { Stages = boot.Stages.Add(look) }, limit: 500);

        Assert.Equal(misses, untranslated > 0);
    }

    [Fact]
    public void Master_BehindTwoIommus_WaitsForBoth()
    {
        var plan = Toys.Plan(
            "linux-6.10",
            Architecture.Arm64,
            Toys.Iommu("/one", "samsung,exynos-sysmmu", contexts: 1, cells: 0),
            Toys.Iommu("/two", "samsung,exynos-sysmmu", contexts: 1, cells: 0),
            Toys.Node("/master", "toy,master").Behind("/one").Behind("/two").Needs(SupplierKind.Clock, "/clock"),
            Toys.Node("/clock", "toy,clock"));
        foreach (var seed in Enumerable.Range(1, 100))
        {
            var asynchronous = plan with { Drivers = [Driver("exynos-sysmmu", DriverLoad.Module) with { Probe = ProbeMode.Asynchronous }], Clients = Driver("clients", DriverLoad.Module) };
            var boot = BootWorkload.Create(asynchronous);
            var look = new Stage("look", [new ThreadStart("look", async t =>
            {
                var master = Machine.DeviceAt(Toys.NumberOf(t, "master"));
                Assert.True(await t.Load(master.KnodeDriver, Marking.Atomic));
                Assert.False((await t.Load(master.IommuGroup)).Address.IsNull);
            })]);
            var (_, end) = Explore.Once(new RandomWalk((ulong)seed), boot with { Stages = boot.Stages.Add(look) });
            Assert.Equal(IommuCluster.Exploration.Runtime.ScheduleEnd.Completed, end);
        }
    }

    private static Device Device(KernelThread t) => Machine.DeviceAt(Toys.NumberOf(t, "master"));

    private static DriverPlan Driver(string name, DriverLoad load) => new(name, load, ProbeMode.Synchronous, ImmutableSortedDictionary<string, string>.Empty);

    private static BootPlan Plan(FirmwareLinks links, DriverLoad iommu) => Toys.Plan(
        "linux-6.10",
        Architecture.Arm64,
        Toys.Iommu("/smmu", "arm,smmu-v3", contexts: 4),
        Toys.Node("/clock", "toy,clock"),
        Toys.Node("/master", "toy,master").Behind("/smmu", 1).Needs(SupplierKind.Clock, "/clock"),
        Toys.Node("/pcie", "toy,pcie") with { IommuMap = [new IommuMapEntry(0, "/smmu", [0x100], 0x100)] }) with
    {
        FirmwareLinks = links,
        Drivers = [Driver("arm-smmu-v3", iommu)],
    };
}
