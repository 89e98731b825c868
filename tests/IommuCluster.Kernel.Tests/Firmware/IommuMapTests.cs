using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Tests.Firmware;

public class IommuMapTests
{
    private const uint All = uint.MaxValue;

    [Theory]
    [InlineData(0x100u, "0x1c81")] // The first of its range.
    [InlineData(0x1ffu, "0x1d80")] // The last.
    public void Translate_IdInARange_KeepsItsDistance(uint id, string cells) =>
        Assert.Equal($"/smmu {cells}", Told(Host(All, (0, "/other", [7], 0x100), (0x100, "/smmu", [0x1c81], 0x100)), id));

    [Fact]
    public void Translate_TwoRangesHaveTheId_TheFirstCounts() =>
        Assert.Equal("/a 0x11", Told(Host(All, (0, "/a", [0x10], 4), (0, "/b", [0x20], 4)), 1));

    [Fact]
    public void Translate_MaskZero_EveryIdIsTheFirstEntrys() => // Juno, R-Car
        Assert.Equal("/smmu 0x0", Told(Host(0, (0, "/smmu", [0], 1)), 0x1234));

    [Fact]
    public void Translate_BusMask_OnlyTheBusCounts() // Apple
    {
        var host = Host(0xff00, (0x100, "/dart0", [1], 1), (0x200, "/dart1", [1], 1));
        Assert.Equal("/dart1 0x1", Told(host, 0x2f3));
        Assert.Equal("-ENODEV", Told(host, 0x3f3));
    }

    [Fact]
    public void Translate_NewFormOfOneId_HasAllCells() => // Linux 7.2
        Assert.Equal("/smmu 0x1401 0x7", Told(Host(All, (0, "/smmu", [0x1400, 0], 1), (0x100, "/smmu", [0x1401, 7], 1)), 0x100));

    [Fact]
    public void Translate_NewFormOfSeveralIds_IsInvalid() =>
        Assert.Equal("-EINVAL", Told(Host(All, (0, "/smmu", [0x1400, 0], 2)), 1));

    [Fact]
    public void Translate_NoOutputCells_IsTheIommuAlone() =>
        Assert.Equal("/iommu", Told(Host(All, (0, "/iommu", [], 16)), 3));

    [Fact]
    public void Translate_NoMap_IsNoIommu() => Assert.Equal("-ENODEV", Told(Host(All), 0));

    [Fact]
    public void Translate_NoMatch_IsNoIommu() => Assert.Equal("-ENODEV", Told(Host(All, (0, "/smmu", [0], 0x100)), 0x100));

    [Fact]
    public void Translate_LengthZero_MatchesNothing() => // Layerscape's place-holder
        Assert.Equal("-ENODEV", Told(Host(All, (0, "/smmu", [0], 0)), 0));

    [Fact]
    public void Translate_BaseOutsideTheMask_FaultsUnlessMatchedBefore()
    {
        var host = Host(0xff, (0, "/smmu", [0], 0x10), (0x100, "/smmu", [0], 0x100));
        Assert.Equal("/smmu 0x5", Told(host, 0x105));
        Assert.Equal("-EFAULT", Told(host, 0x20));
    }

    [Fact]
    public void Translate_RangeThatWraps_MatchesNothing() =>
        Assert.Equal("-ENODEV", Told(Host(All, (0xffff_fff0, "/smmu", [0], 0x20)), 0xffff_fff8));

    [Fact]
    public void Translate_Anything_AgreesWithAPlainSearch()
    {
        // Every map of two one-cell entries with bases and lengths below 5, under every mask of three bits: all ids.
        for (var world = 0; world < 5 * 5 * 5 * 5 * 8; world++)
        {
            var (b0, l0, b1, l1, mask) = ((uint)(world % 5), (uint)(world / 5 % 5), (uint)(world / 25 % 5), (uint)(world / 125 % 5), (uint)(world / 625));
            var host = Host(mask, (b0, "/a", [0x10], l0), (b1, "/b", [0x20], l1));
            for (var id = 0u; id < 8; id++)
            {
                Assert.Equal(Expected(id & mask, mask, [(b0, l0, "/a", 0x10), (b1, l1, "/b", 0x20)]), Told(host, id));
            }
        }
    }

    [Fact]
    public void Behind_ByDefault_IsOneFunctionAtTheFirstMappedId()
    {
        var function = Assert.Single(PciFunctions.Behind(Host(All, (0, "/off", [0], 0), (0x108, "/smmu", [0x42], 4)), domain: 1));
        Assert.Equal(("0001:01:01.0", "/soc/pcie@1/0001:01:01.0", "/smmu", 0x42u), (function.Name, function.Path, function.Iommus[0].Iommu, function.Iommus[0].Cells[0]));
    }

    [Fact]
    public void Behind_IdThatTheMapDoesNotKnow_IsAFunctionWithoutIommu() =>
        Assert.Empty(Assert.Single(PciFunctions.Behind(Host(All, (0, "/smmu", [0], 1)), 0, [0x700])).Iommus);

    private static string Expected(uint masked, uint mask, (uint Base, uint Length, string Iommu, uint Output)[] entries)
    {
        foreach (var (start, length, iommu, output) in entries)
        {
            if ((start & ~mask) != 0)
            {
                return "-EFAULT";
            }

            if (masked >= start && masked < start + length)
            {
                return $"{iommu} 0x{masked - start + output:x}";
            }
        }

        return "-ENODEV";
    }

    private static string Told(FirmwareNode host, uint id)
    {
        var (error, specifier) = IommuMap.Translate(host, id);
        Assert.Equal(error == Errno.None, specifier is not null);
        return specifier is null ? error.Name() : string.Join(' ', [specifier.Iommu, .. specifier.Cells.Select(cell => $"0x{cell:x}")]);
    }

    private static FirmwareNode Host(uint mask, params (uint Base, string Iommu, ImmutableArray<uint> Cells, uint Length)[] map) => new(
        "/soc/pcie@1", "1.pcie", ["test,pcie"], Enabled: true, IommuCells: null, Registers: 1, Interrupts: 0, GlobalInterrupts: 0, StreamMatchMask: 0,
        [], [.. map.Select(entry => new IommuMapEntry(entry.Base, entry.Iommu, entry.Cells, entry.Length))], mask, [], DmaCoherent: null);
}
