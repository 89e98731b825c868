using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Tests.Drivers;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Dma;

/// <summary>What the boot loader left running goes on only if firmware says which memory it uses, and the driver listens.</summary>
public sealed class BootDmaTests
{
    private const ulong FrameBuffer = 0x6700_0000;
    private const ulong Length = 0x41_0a00; // No multiple of a page: both ends are rounded up.

    /// <summary>Where firmware says which memory the display uses.</summary>
    public enum Said
    {
        Nowhere,
        InTheTree,
        InATable,
    }

    [Theory]
    [InlineData("arm,smmu-v3", "linux-6.10", Said.InTheTree, false)]
    [InlineData("arm,smmu-v3", "linux-6.6", Said.InTheTree, false)]
    [InlineData("arm,smmu-v3", "linux-6.10", Said.Nowhere, true)]
    [InlineData("arm,smmu-v3", "linux-6.2", Said.InTheTree, true)] // Nobody reads iommu-addresses before v6.3.
    [InlineData("arm,smmu-v3", "linux-6.2", Said.InATable, true)] // A device that comes alone is mapped only after it is attached, until v6.5.
    [InlineData("samsung,exynos-sysmmu", "linux-6.10", Said.InTheTree, true)] // Its driver looks from v6.18 on.
    [InlineData("arm,mmu-500", "linux-6.10", Said.InTheTree, true)] // An empty table is attached first: its driver cannot map before.
    [InlineData("arm,mmu-500", "linux-6.10", Said.InATable, true)] // The reset keeps the way open, and then the same.
    [InlineData("qcom,sc8180x-smmu-500 arm,mmu-500", "linux-6.10", Said.Nowhere, true)]
    public void LiveMaster_AsItsIommuComes_FaultsUnlessItsMemoryIsMappedBefore(string iommu, string profile, Said said, bool faults)
    {
        var seen = Explore.With(new RandomWalk(1), BootWorkload.Create(Plan(iommu, profile, said)), limit: 300);

        Assert.Equal(faults, seen.Saw(FindingKind.ContextFault));
        Assert.Equal([ScheduleEnd.Completed], seen.Ends);
    }

    [Fact]
    public void LiveDisplay_BehindQualcommsSmmu_GoesOnThroughAnIdentityDomain()
    {
        var plan = Plan("qcom,sc8180x-smmu-500 arm,mmu-500", "linux-6.10", Said.Nowhere, display: "qcom,sc8180x-mdss");

        Assert.Empty(Explore.With(new RandomWalk(1), BootWorkload.Create(plan), limit: 300).Consequences);
    }

    [Fact]
    public void DirectMapping_OfALengthThatIsNoMultipleOfAPage_CoversTheLastPageWhole() =>
        Toys.Boot(Plan("arm,smmu-v3", "linux-6.10", Said.InTheTree), async t =>
        {
            var domain = await Toys.DomainOf(t, "display");
            Assert.Equal(FrameBuffer, await IommuCore.IommuIovaToPhys(t, domain, FrameBuffer));
            Assert.Equal(FrameBuffer + 0x41_0fff, await IommuCore.IommuIovaToPhys(t, domain, FrameBuffer + 0x41_0fff));
            Assert.Equal(0UL, await IommuCore.IommuIovaToPhys(t, domain, FrameBuffer + 0x41_1000));
        });

    [Fact]
    public void Region_WithoutMemoryOfItsOwn_OnlyKeepsItsAddressesFree()
    {
        var plan = Plan("arm,smmu-v3", "linux-6.10", Said.Nowhere);
        var top = new ReservedRegion("/reserved-memory/top", Base: null, 0, [new IommuAddressRange("/display", 0xffff_0000, 0x1_0000)], []);
        Toys.Boot(plan with { BootDma = [], Board = plan.Board with { ReservedMemory = [top] } }, async t =>
        {
            var domain = await Toys.DomainOf(t, "display");
            Assert.Equal(0UL, await IommuCore.IommuIovaToPhys(t, domain, 0xffff_f000));
            Assert.NotEqual(0UL, await IommuCore.IommuIovaToPhys(t, domain, 0xfffe_f000));
        });
    }

    [Fact]
    public void BootDma_OfWhatIsNoMaster_IsRefusedInWords() =>
        Assert.Contains(
            "no master here is called 'smmu'",
            Assert.Throws<BootPlanException>(() => BootWorkload.Create(Plan("arm,smmu-v3", "linux-6.10", Said.Nowhere) with { BootDma = ["smmu"] })).Message,
            StringComparison.Ordinal);

    private static BootPlan Plan(string iommu, string profile, Said said, string display = "toy,display")
    {
        var plan = Toys.Plan(
            profile,
            Architecture.Arm64,
            Toys.Iommu("/smmu", iommu, contexts: 4),
            Toys.Node("/display", display).Behind("/smmu", 1));
        var path = said == Said.InTheTree ? "/reserved-memory/framebuffer" : "/reserved/region@67000000";
        var region = new ReservedRegion(path, FrameBuffer, Length, [new IommuAddressRange("/display", FrameBuffer, Length)], ["/display"]);
        return plan with { BootDma = ["display"], Board = plan.Board with { ReservedMemory = said == Said.Nowhere ? [] : [region] } };
    }
}
