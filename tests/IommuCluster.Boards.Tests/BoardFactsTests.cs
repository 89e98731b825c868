using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests;

/// <summary>
/// What is known about real boards from their sources, read by people. Runs on the real device trees where there are
/// any, else on the shipped boards, which are always there.
/// </summary>
public class BoardFactsTests
{
    /// <summary>Name, architecture, IOMMUs and enabled ones, masters and enabled ones.</summary>
    private static readonly (string Name, Architecture Architecture, int Iommus, int EnabledIommus, int Masters, int EnabledMasters)[] s_counts =
    [
        ("rk3288-firefly", Architecture.Arm, 6, 3, 3, 3),
        ("mt7623n-bananapi-bpi-r2", Architecture.Arm, 1, 1, 5, 5),
        ("exynos5250-snow", Architecture.Arm, 23, 23, 9, 9),
        ("tegra124-jetson-tk1", Architecture.Arm, 1, 1, 5, 4),
        ("dra7-evm", Architecture.Arm, 6, 6, 4, 4),
        ("qcom-apq8064-ifc6410", Architecture.Arm, 4, 4, 2, 2),
        ("sc8180x-primus", Architecture.Arm64, 2, 2, 15, 12),
        ("sm8550-qrd", Architecture.Arm64, 2, 2, 31, 28),
        ("juno-r2", Architecture.Arm64, 7, 6, 7, 7),
        ("rk3328-rock64", Architecture.Arm64, 5, 3, 3, 3),
        ("rk3588-armsom-sige7", Architecture.Arm64, 17, 12, 20, 15),
        ("sc8280xp-lenovo-thinkpad-x13s", Architecture.Arm64, 2, 2, 31, 25),
        ("mt8173-elm", Architecture.Arm64, 1, 1, 16, 16),
        ("exynos7870-j6lte", Architecture.Arm64, 1, 1, 1, 1),
        ("fsl-ls1088a-rdb", Architecture.Arm64, 1, 1, 4, 1),
        ("t8103-j274", Architecture.Arm64, 4, 4, 2, 2),
        ("r8a774a1-hihope-rzg2m", Architecture.Arm64, 9, 9, 18, 14),
        ("sun50i-h6-pine-h64", Architecture.Arm64, 1, 1, 3, 3),
        ("apq8016-sbc", Architecture.Arm64, 2, 2, 4, 4),
    ];

    /// <summary>Masters as <c>Linux name: specifier, ...</c>, or <c>Linux name -> map entry, ...</c>.</summary>
    private static readonly (string Board, string[] Masters)[] s_masters =
    [
        ("rk3288-firefly",
        [
            "ff930000.vop: /iommu@ff930300", "ff940000.vop: /iommu@ff940300", "ff9a0000.video-codec: /iommu@ff9a0800",
        ]),
        ("mt7623n-bananapi-bpi-r2",
        [
            "15004000.jpegdec: /mmsys_iommu@10205000 0x2b, /mmsys_iommu@10205000 0x1c", "14007000.ovl: /mmsys_iommu@10205000 0x0",
            "14008000.rdma: /mmsys_iommu@10205000 0x2", "14009000.wdma: /mmsys_iommu@10205000 0x3", "14012000.rdma: /mmsys_iommu@10205000 0x1",
        ]),
        ("sc8180x-primus",
        [
            "8c0000.geniqup: /soc@0/iommu@15000000 0x4c3 0x0", "ac0000.geniqup: /soc@0/iommu@15000000 0x603 0x0",
            "cc0000.geniqup: /soc@0/iommu@15000000 0x7a3 0x0", "1d84000.ufshc: /soc@0/iommu@15000000 0x300 0x0",
            "1c10000.pcie -> 0x0 /soc@0/iommu@15000000 0x1c80 0x1, 0x100 /soc@0/iommu@15000000 0x1c81 0x1",
            "2c00000.gpu: /soc@0/iommu@2ca0000 0x0 0xc01", "2c6a000.gmu: /soc@0/iommu@2ca0000 0x5 0xc00",
            "a400000.usb: /soc@0/iommu@15000000 0x60 0x0", "a600000.usb: /soc@0/iommu@15000000 0x140 0x0", "a800000.usb: /soc@0/iommu@15000000 0x160 0x0",
            "ae00000.mdss: /soc@0/iommu@15000000 0x800 0x420", "18800000.wifi: /soc@0/iommu@15000000 0x640 0x1",
        ]),
        ("sm8550-qrd",
        [
            "1d84000.ufshc: /soc@0/iommu@15000000 0x60 0x0", "ae00000.display-subsystem: /soc@0/iommu@15000000 0x1c00 0x2",
            "1c00000.pcie -> 0x0 /soc@0/iommu@15000000 0x1400 0x0 0x1, 0x100 /soc@0/iommu@15000000 0x1401 0x0 0x1",
            "1dfa000.crypto: /soc@0/iommu@15000000 0x480 0x0, /soc@0/iommu@15000000 0x481 0x0",
            "3d00000.gpu: /soc@0/iommu@3da0000 0x0 0x0, /soc@0/iommu@3da0000 0x1 0x0", "3d6a000.gmu: /soc@0/iommu@3da0000 0x5 0x0",
            "3f40000.ipa: /soc@0/iommu@15000000 0x4a0 0x0, /soc@0/iommu@15000000 0x4a2 0x0", "aa00000.video-codec: /soc@0/iommu@15000000 0x1940 0x0, /soc@0/iommu@15000000 0x1947 0x0",
        ]),
        ("juno-r2",
        [
            "20070000.etr: /iommu@2b600000 0x0", "7ff50000.hdlcd: /iommu@7fb10000 0x0", "7ff60000.hdlcd: /iommu@7fb20000 0x0",
            "7ffb0000.usb: /iommu@7fb30000 0x0", "7ffc0000.usb: /iommu@7fb30000 0x0", "40000000.pcie -> 0x0 /iommu@2b500000 0x0 0x1",
            $"7ff00000.dma-controller: {string.Join(", ", Enumerable.Range(0, 9).Select(id => $"/iommu@7fb00000 0x{id:x}"))}",
        ]),
        ("exynos5250-snow", ["11000000.codec: /soc/sysmmu@11210000, /soc/sysmmu@11200000", "14400000.fimd: /soc/sysmmu@14640000", "14450000.mixer: /soc/sysmmu@14650000"]),
        ("t8103-j274",
        [
            "238200000.dma-controller: /soc/iommu@235004000 0x2",
            "690000000.pcie -> 0x100 /soc/iommu@681008000 0x1 0x1, 0x200 /soc/iommu@682008000 0x1 0x1, 0x300 /soc/iommu@683008000 0x1 0x1",
        ]),
        ("qcom-apq8064-ifc6410",
        [
            "5100000.display-controller: /soc/iommu@7500000 0x0, /soc/iommu@7500000 0x2, /soc/iommu@7600000 0x0, /soc/iommu@7600000 0x2",
            $"4300000.gpu: {string.Join(", ", new[] { "7c00000", "7d00000" }.SelectMany(unit => Enumerable.Range(0, 32).Select(id => $"/soc/iommu@{unit} 0x{id:x}")))}",
        ]),
        ("sc8280xp-lenovo-thinkpad-x13s",
        [
            "3d00000.gpu: /soc@0/iommu@3da0000 0x0 0xc00, /soc@0/iommu@3da0000 0x1 0xc00",
            "1b300000.remoteproc:glink-edge:fastrpc:compute-cb@9: /soc@0/iommu@15000000 0x318b 0x420",
            "1b300000.remoteproc:glink-edge:fastrpc:compute-cb@10: /soc@0/iommu@15000000 0x318b 0x420",
        ]),
        ("fsl-ls1088a-rdb", ["80c000000.fsl-mc -> 0x0 /soc/iommu@5000000 0x0 0x0"]),
        ("sun50i-h6-pine-h64", ["1100000.mixer: /soc/iommu@30f0000 0x0"]),
    ];

    public static TheoryData<string> Counted => [.. s_counts.Select(board => board.Name).Where(BoardFiles.Has)];

    public static TheoryData<string> Described => [.. s_masters.Select(board => board.Board).Where(BoardFiles.Has)];

    [Theory]
    [MemberData(nameof(Counted))]
    public void Counts_AreAsInTheSource(string name)
    {
        var board = BoardFiles.Load(name);
        var iommus = board.Nodes.Where(node => node.IommuCells is not null).ToList();
        var masters = board.Nodes.Where(IsMaster).ToList();
        var expected = Assert.Single(s_counts, counts => counts.Name == name);

        Assert.Equal(
            expected,
            (board.Name, board.Architecture, iommus.Count, iommus.Count(node => node.Enabled), masters.Count, masters.Count(node => node.Enabled)));
    }

    [Theory]
    [MemberData(nameof(Described))]
    public void Masters_AreAsInTheSource(string name)
    {
        var actual = BoardFiles.Load(name).Nodes.Where(node => IsMaster(node) && node.Enabled).Select(Describe).ToList();
        Assert.All(Assert.Single(s_masters, masters => masters.Board == name).Masters, master => Assert.Contains(master, actual));
    }

    [Theory]
    [MemberData(nameof(Counted))]
    public void Names_AreUniqueAmongIommusAndMasters(string name)
    {
        var twice = BoardFiles.Load(name).Nodes.Where(node => node.IommuCells is not null || IsMaster(node)).GroupBy(node => node.Name).Where(same => same.Count() > 1);
        Assert.Empty(twice.Select(same => same.Key));
    }

    [Fact]
    public void Rk3288Firefly_EachMasterSharesItsIommusPowerDomain()
    {
        var board = BoardFiles.Load("rk3288-firefly");
        Assert.Equal(
            ["/iommu@ff900800", "/iommu@ff914000", "/iommu@ff9c0440"],
            board.Nodes.Where(node => node is { IommuCells: 0, Enabled: false }).Select(node => node.Path));
        Assert.Equal(2, board.Node("/iommu@ff9c0440").Registers);
        Assert.All(board.Nodes.Where(IsMaster), master =>
        {
            var domain = Assert.Single(master.Suppliers, supplier => supplier.Kind == SupplierKind.PowerDomain);
            Assert.Equal("/power-management@ff730000/power-controller", domain.Node);
            Assert.Contains(domain, board.Node(Assert.Single(master.Iommus).Iommu).Suppliers);
        });
    }

    [Fact]
    public void Sc8180xPrimus_OneSmmuForAllOneForTheGpu_NeitherCoherent()
    {
        var board = BoardFiles.Load("sc8180x-primus");
        var (apps, gpu) = (board.Node("/soc@0/iommu@15000000"), board.Node("/soc@0/iommu@2ca0000"));
        Assert.Equal((null, null), (apps.DmaCoherent, gpu.DmaCoherent));
        Assert.Equal((106, 8), (apps.Interrupts - apps.GlobalInterrupts, gpu.Interrupts - gpu.GlobalInterrupts));
        Assert.Equal(
            ["/soc@0/pcie@1c00000", "/soc@0/pcie@1c08000", "/soc@0/pcie@1c10000", "/soc@0/pcie@1c18000"],
            board.Nodes.Where(node => !node.IommuMap.IsEmpty).Select(node => node.Path));
        Assert.All(board.Nodes, node => Assert.Equal(uint.MaxValue, node.IommuMapMask));
        Assert.Equal("a400000.usb", board.Node("/soc@0/usb@a4f8800/usb@a400000").Name);
    }

    [Fact]
    public void Sm8550Qrd_CoherentSmmuAndContextInterrupts()
    {
        var board = BoardFiles.Load("sm8550-qrd");
        var (apps, gpu) = (board.Node("/soc@0/iommu@15000000"), board.Node("/soc@0/iommu@3da0000"));
        Assert.True(apps.DmaCoherent);
        Assert.Equal((96, 25), (apps.Interrupts - apps.GlobalInterrupts, gpu.Interrupts - gpu.GlobalInterrupts));
        Assert.False(board.Node("/soc@0/mmc@8804000").Enabled);
        Assert.Contains(new Supplier(SupplierKind.PowerDomain, "/soc@0/clock-controller@3d90000"), gpu.Suppliers);
    }

    [Fact]
    public void JunoR2_SevenSmallSmmusAndAMapOfMaskZero()
    {
        var board = BoardFiles.Load("juno-r2");
        Assert.False(board.Node("/iommu@2b400000").Enabled);
        Assert.All(board.Nodes.Where(node => node.IommuCells is not null), node => Assert.Equal((2, 1), (node.Interrupts, node.GlobalInterrupts)));
        Assert.Equal(
            ["/iommu@7fb10000", "/iommu@7fb20000"],
            board.Nodes.Where(node => node is { IommuCells: not null, DmaCoherent: null }).Select(node => node.Path));
        Assert.Equal(0u, board.Node("/pcie@40000000").IommuMapMask);
    }

    [Fact]
    public void Mt7623nBananapi_TheM4uListsItsLarbs()
    {
        var board = BoardFiles.Load("mt7623n-bananapi-bpi-r2");
        var m4u = board.Node("/mmsys_iommu@10205000");
        Assert.Equal(["mediatek,mt7623-m4u", "mediatek,mt2701-m4u"], m4u.Compatible.ToArray());
        Assert.Equal(["/larb@14010000", "/larb@16010000", "/larb@15001000"], Larbs(m4u));
        Assert.Equal(["/larb@15001000"], Larbs(board.Node("/jpegdec@15004000")));
    }

    [Fact]
    public void Exynos7870J6lte_TheFramebufferIsReservedForTheDisplay()
    {
        // Only the real tree says so; without it, its facts in our own form do.
        var board = BoardFiles.Has("exynos7870-j6lte") ? BoardFiles.Load("exynos7870-j6lte") : BoardReader.ParseYaml(
            """
            board: exynos7870-j6lte
            architecture: arm64
            nodes:
              - path: /soc@0/display-controller@14830000
            reserved-memory:
              - path: /reserved-memory/framebuffer@67000000
                reg: 0x67000000 0x410a00
                iommu-addresses: display-controller@14830000 0x67000000 0x410a00
                users: display-controller@14830000
            """, "exynos7870-j6lte.yaml");
        var region = Assert.Single(board.ReservedMemory, region => !region.IommuAddresses.IsEmpty);
        Assert.Equal((0x67000000ul, 0x410a00ul), (region.Base, region.Length));
        Assert.Equal(new IommuAddressRange("/soc@0/display-controller@14830000", 0x67000000, 0x410a00), Assert.Single(region.IommuAddresses));
        Assert.Equal("/soc@0/display-controller@14830000", Assert.Single(region.Users));
    }

    private static string[] Larbs(FirmwareNode node) =>
        [.. node.Suppliers.Where(supplier => supplier.Kind == SupplierKind.MediaTekLarb).Select(supplier => supplier.Node)];

    private static bool IsMaster(FirmwareNode node) => !node.Iommus.IsEmpty || !node.IommuMap.IsEmpty;

    private static string Describe(FirmwareNode node) => node.Iommus.IsEmpty
        ? $"{node.Name} -> {string.Join(", ", node.MapEntries())}"
        : $"{node.Name}: {string.Join(", ", node.Specifiers())}";
}
