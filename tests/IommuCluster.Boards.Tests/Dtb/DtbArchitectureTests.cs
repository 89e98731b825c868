using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Dtb;

public class DtbArchitectureTests
{
    [Theory]
    [InlineData("arm,cortex-a7", Architecture.Arm)]
    [InlineData("arm,cortex-a12", Architecture.Arm)]
    [InlineData("arm,cortex-a15", Architecture.Arm)]
    [InlineData("arm,cortex-a17", Architecture.Arm)]
    [InlineData("arm,cortex-a32", Architecture.Arm)]
    [InlineData("qcom,krait", Architecture.Arm)]
    [InlineData("arm,arm1176jzf-s", Architecture.Arm)]
    [InlineData("arm,cortex-a53", Architecture.Arm64)]
    [InlineData("arm,cortex-a78c", Architecture.Arm64)]
    [InlineData("arm,cortex-a510", Architecture.Arm64)]
    [InlineData("arm,cortex-x3", Architecture.Arm64)]
    [InlineData("qcom,kryo485", Architecture.Arm64)]
    [InlineData("apple,icestorm", Architecture.Arm64)]
    [InlineData("nvidia,tegra186-denver", Architecture.Arm64)]
    [InlineData("intel,ce4100", Architecture.X86)]
    public void Read_KnownCore_Tells(string core, Architecture architecture) => Assert.Equal(architecture, Cpu(core).Load().Architecture);

    [Fact]
    public void Read_PsciAndOneAddressCell_DoNotTell() =>
        Assert.Equal(Architecture.Arm, Cpu("arm,cortex-a7", cpu => cpu.Texts("enable-method", "psci")).Load().Architecture);

    [Theory]
    [InlineData("arm,armv8-timer", Architecture.Arm64)]
    [InlineData("arm,armv7-timer", Architecture.Arm)]
    public void Read_UnknownCore_TheTimerTells(string timer, Architecture architecture) =>
        Assert.Equal(architecture, Cpu("new,core").Child("timer", node => node.Texts("compatible", timer)).Load().Architecture);

    [Fact]
    public void Read_UnknownCoreWithoutTimer_TheEnableMethodTells() =>
        Assert.Equal(Architecture.Arm64, Cpu("new,core", cpu => cpu.Texts("enable-method", "spin-table")).Load().Architecture);

    [Theory]
    [InlineData(1u, Architecture.Arm)]
    [InlineData(2u, Architecture.Arm64)]
    public void Read_NothingElse_AddressCellsTell(uint cells, Architecture architecture) =>
        Assert.Equal(architecture, Cpu("new,core", addressCells: cells).Load().Architecture);

    [Fact]
    public void Read_NoCpuOrAForeignOne_IsRefused()
    {
        Assert.Contains("no CPU node", Assert.Single(new DtbSource().Refused()).Reason, StringComparison.Ordinal);
        Assert.Contains("CPUs of type sifive,u74 are not modelled", Assert.Single(Cpu("sifive,u74").Refused()).Reason, StringComparison.Ordinal);
    }

    private static DtbSource Cpu(string core, Action<DtbSource>? fill = null, uint addressCells = 1) => new DtbSource().Child("cpus", cpus => cpus
        .Cells("#address-cells", addressCells)
        .Child("idle-states", idle => idle.Child("sleep", sleep => sleep.Texts("compatible", "arm,idle-state")))
        .Child("cpu@0", cpu =>
        {
            cpu.Texts("device_type", "cpu").Texts("compatible", core);
            fill?.Invoke(cpu);
        }));
}
