using System.Collections.Immutable;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Tests.Drivers;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.DriverCore;

public sealed class ModuleTests
{
    [Fact]
    public void Modprobe_OfAModuleThatNeedsAnother_HasThatOneLoadedFirst()
    {
        foreach (var seed in Enumerable.Range(1, 50))
        {
            Explore.Once(new RandomWalk((ulong)seed), Watching(Plan(Module("toy,late", "toy,first"), Module("toy,first")), async t =>
            {
                if (await Bus.IsRegistered(t, Number(t, "toy,late")))
                {
                    Assert.True(await t.Load(Machine.DeviceAt(Toys.NumberOf(t, "first")).KnodeDriver, Marking.Atomic));
                }
            }));
        }
    }

    [Fact]
    public void Modprobe_OfTwoModulesThatNeedTheSame_LoadsItOnce()
    {
        var plan = Plan(Module("toy,late", "toy,first"), Module("toy,later", "toy,first"), Module("toy,first"));

        var seen = Explore.With(new RandomWalk(1), BootWorkload.Create(plan), limit: 500);

        Assert.Empty(seen.Consequences);
        Toys.Boot(plan, async t => Assert.Equal(ModuleState.Live, await t.Load(t.Machine.SharedModuleOf(Number(t, "toy,first"))!.Value.State)));
    }

    [Fact]
    public void Modprobe_OfABuiltInDriverThatIsNeeded_WaitsForNobody() =>
        Assert.Empty(MachineBuilder.Build(Plan(Module("toy,late", "toy,first"))).SharedModules);

    [Theory]
    [InlineData("toy,late", "need each other in a circle")]
    [InlineData("toy,lost", "needs 'toy,lost', which no device here has")]
    public void Plan_WithNeedsThatNoKernelHas_IsRefusedInWords(string needed, string words) =>
        Assert.Contains(words, Assert.Throws<BootPlanException>(() => MachineBuilder.Build(Plan(Module("toy,late", needed)))).Message, StringComparison.Ordinal);

    private static DriverPlan Module(string driver, params ImmutableArray<string> needs) =>
        new(driver, DriverLoad.Module, ProbeMode.Synchronous, ImmutableSortedDictionary<string, string>.Empty) { Needs = needs };

    private static int Number(KernelThread t, string driver) => Enumerable.Range(0, t.Machine.Drivers.Length).Single(number => t.Machine.Drivers[number].Name == driver);

    private static BootPlan Plan(params ImmutableArray<DriverPlan> drivers) => Toys.Plan(
        "linux-6.10",
        Architecture.Arm64,
        Toys.Iommu("/smmu", "arm,smmu-v3", contexts: 1),
        Toys.Node("/late", "toy,late"),
        Toys.Node("/later", "toy,later"),
        Toys.Node("/first", "toy,first"),
        Toys.Node("/master", "toy,master").Behind("/smmu", 1).Needs(SupplierKind.Clock, "/late").Needs(SupplierKind.Reset, "/later").Needs(SupplierKind.Phy, "/first")) with
    {
        Drivers = drivers,
    };

    /// <summary>The boot with one more modprobe-time thread that looks.</summary>
    private static Workload Watching(BootPlan plan, Func<KernelThread, Flow> look)
    {
        var boot = BootWorkload.Create(plan);
        var modules = boot.Stages.Single(stage => stage.Name == "modules");
        return boot with { Stages = boot.Stages.Replace(modules, modules with { Threads = modules.Threads.Add(new ThreadStart("look", look)) }) };
    }
}
