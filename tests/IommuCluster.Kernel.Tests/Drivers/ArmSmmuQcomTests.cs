using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Kernel.Tests.Drivers;

public sealed class ArmSmmuQcomTests
{
    private const string Adreno = "qcom,sc8180x-smmu-500 qcom,adreno-smmu qcom,smmu-500 arm,mmu-500";

    [Theory]
    [InlineData("linux-6.6", "qcom,adreno", "Identity")]
    [InlineData("linux-6.6", "qcom,adreno-gmu", "Dma")]
    [InlineData("linux-6.8", "qcom,adreno-gmu", "Identity")]
    [InlineData("linux-5.17", "qcom,sc8180x-mdss", "Identity")]
    [InlineData("linux-5.17", "qcom,sc8280xp-mdss", "Dma")]
    [InlineData("linux-6.2", "qcom,sc8280xp-mdss", "Identity")]
    [InlineData("linux-6.10", "qcom,sm8550-mdss", "Dma")]
    public void DefaultDomain_BehindQualcommsSmmu_FollowsTheListOfTheEra(string profile, string compatible, string type) =>
        Assert.Equal(type, DefaultDomainOf(profile, "qcom,sc8180x-smmu-500 arm,mmu-500", compatible));

    [Fact]
    public void DefaultDomain_BehindAnotherSmmu_IsDma() => Assert.Equal("Dma", DefaultDomainOf("linux-6.10", "arm,mmu-500", "qcom,adreno"));

    [Fact]
    public void DefaultDomain_BehindTheGenericSmmu_CountsSinceLinux62()
    {
        Assert.Equal("Dma", DefaultDomainOf("linux-6.1-rc7", "qcom,smmu-500 arm,mmu-500", "qcom,adreno"));
        Assert.Equal("Identity", DefaultDomainOf("linux-6.2", "qcom,smmu-500 arm,mmu-500", "qcom,adreno"));
    }

    [Theory]
    [InlineData(Adreno, 1, 0)]
    [InlineData("qcom,sc8180x-smmu-500 qcom,smmu-500 arm,mmu-500", 0, 1)]
    public void ContextBank_BesideAGpu_LeavesBankZeroToStreamZero(string smmu, int other, int gpu)
    {
        var plan = Toys.Plan(
            "linux-6.6",
            Architecture.Arm64,
            Toys.Iommu("/smmu", smmu, contexts: 4),
            Toys.Node("/gmu", "toy,gmu").Behind("/smmu", 5),
            Toys.Node("/gpu", "toy,gpu").Behind("/smmu", 0)) with { Transfers = 0 };
        Toys.Boot(plan, async t =>
        {
            Assert.Equal(other + 1, await t.Load((await Toys.DomainOf(t, "gmu")).Context));
            Assert.Equal(gpu + 1, await t.Load((await Toys.DomainOf(t, "gpu")).Context));
        });
    }

    private static string DefaultDomainOf(string profile, string smmu, string compatible)
    {
        var type = string.Empty;
        var plan = Toys.Plan(
            profile,
            Architecture.Arm64,
            Toys.Iommu("/smmu", smmu, contexts: 4),
            Toys.Node("/master", compatible).Behind("/smmu", 1)) with { Transfers = 0 };
        Toys.Boot(plan, async t => type = (await t.Load((await Toys.DomainOf(t, "master")).Type)).ToString());
        return type;
    }
}
