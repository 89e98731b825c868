using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Tests.Drivers;

namespace IommuCluster.Kernel.Tests.DriverCore;

public sealed class SupplierLinksTests
{
    [Fact]
    public void Links_OfAUfsHostAndItsPhyWhichSupplyEachOther_HoldNeitherBack()
    {
        var machine = MachineBuilder.Build(Plan("linux-6.10"));

        Assert.Equal(["clock"], machine.Devices.Single(device => device.Name == "ufs").Suppliers.Select(number => machine.Devices[number].Name));
        Assert.Empty(machine.Devices.Single(device => device.Name == "phy").Suppliers);
    }

    [Fact]
    public void Links_OfAnEraWithoutThem_HoldNobodyBack() =>
        Assert.All(MachineBuilder.Build(Plan("linux-4.15")).Devices, device => Assert.Empty(device.Suppliers));

    private static BootPlan Plan(string profile) => Toys.Plan(
        profile,
        Architecture.Arm64,
        Toys.Iommu("/smmu", "arm,mmu-500", contexts: 4),
        Toys.Node("/clock", "toy,clock"),
        Toys.Node("/phy", "qcom,toy-qmp-ufs-phy").Needs(SupplierKind.Reset, "/ufs"),
        Toys.Node("/ufs", "qcom,toy-ufshc qcom,ufshc").Behind("/smmu", 1).Needs(SupplierKind.Phy, "/phy").Needs(SupplierKind.Clock, "/clock"));
}
