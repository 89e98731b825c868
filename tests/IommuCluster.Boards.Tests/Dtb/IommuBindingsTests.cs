using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests.Dtb;

public class IommuBindingsTests
{
    [Fact]
    public void Iommus_SeveralIommusOfDifferentCells_AreReadInOrder()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Iommu(a, 1, 2)).Child("b", b => Iommu(b, 2, 0))
            .Child("m", m => m.Texts("compatible", "x").Cells("iommus", 1, 0x300, 0x7, 2, 1, 0x301, 0))).Load();

        Assert.Equal(["/a 0x300 0x7", "/b", "/a 0x301 0x0"], board.Node("/m").Specifiers());
        Assert.Equal(2, board.Node("/a").IommuCells);
        Assert.Equal(0, board.Node("/b").IommuCells);
        Assert.Null(board.Node("/m").IommuCells);
    }

    [Fact]
    public void Iommus_NodeWithoutCompatible_IsKept()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => a.Cells("#iommu-cells", 1).Cells("phandle", 1))
            .Child("bus", bus => bus.Child("m", m => m.Cells("iommus", 1, 9)))).Load();

        Assert.Equal(["/a", "/bus/m"], board.Nodes.Select(node => node.Path));
    }

    public static TheoryData<uint[], string> BrokenLists => new()
    {
        { [7, 1, 2], "no node has phandle 0x7" },
        { [1, 1], "/a wants 2 cells after its phandle, 1 are left" },
        { [1, 1, 2, 3], "/c has no #iommu-cells" },
    };

    [Theory]
    [MemberData(nameof(BrokenLists))]
    public void Iommus_Broken_IsRefusedWithTheCell(uint[] cells, string reason)
    {
        var diagnostic = Assert.Single(DtbSource.Arm64(root => root
            .Child("a", a => Iommu(a, 1, 2)).Child("c", c => c.Texts("compatible", "x").Cells("phandle", 3))
            .Child("m", m => m.Texts("compatible", "x").Cells("iommus", cells))).Refused());

        Assert.StartsWith("/m: iommus, cell ", diagnostic.Reason, StringComparison.Ordinal);
        Assert.EndsWith(reason, diagnostic.Reason, StringComparison.Ordinal);
        Assert.NotNull(diagnostic.Offset);
    }

    [Fact]
    public void Broken_InSeveralPlaces_AreToldAtOnce()
    {
        var diagnostics = DtbSource.Arm64(root => root
            .Child("a", a => a.Texts("compatible", "x").Cells("#iommu-cells", 99).Cells("phandle", 1))
            .Child("m", m => m.Texts("compatible", "x").Cells("iommus", 7))
            .Child("p", p => p.Texts("compatible", "x").Cells("iommu-map", 0, 1))).Refused();

        Assert.Equal(3, diagnostics.Count);
    }

    public static TheoryData<string, uint, uint[], string[]> Maps => new()
    {
        { "one-cell IOMMU", 1, [0, 1, 0x10, 0x100, 0x100, 1, 0x20, 0x100], ["0x0 /a 0x10 0x100", "0x100 /a 0x20 0x100"] },
        { "new form", 2, [0, 1, 0x1400, 0, 1, 0x100, 1, 0x1401, 0, 1], ["0x0 /a 0x1400 0x0 0x1", "0x100 /a 0x1401 0x0 0x1"] },
        { "old form, every length 1: the kernel's own test", 2, [0, 1, 0x1c80, 1, 0x100, 1, 0x1c81, 1], ["0x0 /a 0x1c80 0x1", "0x100 /a 0x1c81 0x1"] },
        { "old form, longer: as 7.1 and before read it", 2, [0, 1, 0x1c80, 0x10], ["0x0 /a 0x1c80 0x10"] },
        { "old and new form fit in length: the phandles decide", 2, [0, 1, 5, 0, 1, 1, 1, 6, 0, 1, 2, 1, 7, 0, 1, 3, 1, 8, 0, 1], ["0x0 /a 0x5 0x0 0x1", "0x1 /a 0x6 0x0 0x1", "0x2 /a 0x7 0x0 0x1", "0x3 /a 0x8 0x0 0x1"] },
        { "an IOMMU without cells", 0, [0, 1, 1], ["0x0 /a 0x1"] },
        { "length 0 matches nothing", 1, [0, 1, 0, 0], ["0x0 /a 0x0 0x0"] },
        { "empty", 1, [], [] },
    };

    [Theory]
    [MemberData(nameof(Maps))]
    public void IommuMap_BothForms_AreTold(string what, uint iommuCells, uint[] cells, string[] expected)
    {
        Assert.NotEmpty(what);
        var board = DtbSource.Arm64(root => root.Child("a", a => Iommu(a, 1, iommuCells)).Child("p", p => p.Texts("compatible", "x").Cells("iommu-map", cells))).Load();
        Assert.Equal(expected, board.Node("/p").MapEntries());
    }

    [Fact]
    public void IommuMap_EntriesOfDifferentSize_AreRead()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Iommu(a, 1, 1)).Child("b", b => Iommu(b, 2, 2))
            .Child("p", p => p.Texts("compatible", "x").Cells("iommu-map", 0, 1, 5, 1, 0x100, 2, 6, 7, 1))).Load();
        Assert.Equal(["0x0 /a 0x5 0x1", "0x100 /b 0x6 0x7 0x1"], board.Node("/p").MapEntries());
    }

    [Theory]
    [InlineData(new uint[] { 0, 1, 5 }, "12 bytes are no whole entries")]
    [InlineData(new uint[] { 0, 9, 5, 1 }, "no node has phandle 0x9")]
    [InlineData(new uint[] { 0 }, "4 bytes are no whole entries")]
    public void IommuMap_Broken_IsRefused(uint[] cells, string reason)
    {
        var diagnostic = Assert.Single(DtbSource.Arm64(root => root
            .Child("a", a => Iommu(a, 1, 1)).Child("p", p => p.Texts("compatible", "x").Cells("iommu-map", cells))).Refused());
        Assert.Equal($"/p: iommu-map: {reason}", diagnostic.Reason);
    }

    [Fact]
    public void IommuMapMask_GivenOrNot_IsRead()
    {
        var warnings = new List<BoardDiagnostic>();
        var board = DtbSource.Arm64(root => root
            .Child("a", a => Iommu(a, 1, 1))
            .Child("p", p => p.Texts("compatible", "x").Cells("iommu-map", 0, 1, 0, 1).Cells("iommu-map-mask", 0))
            .Child("q", q => q.Texts("compatible", "x").Cells("iommu-map", 0x101, 1, 0, 1).Cells("iommu-map-mask", 0xff00))
            .Child("r", r => r.Texts("compatible", "x").Cells("iommu-map", 0, 1, 0, 1))).Load(warnings);

        Assert.Equal([0u, 0xff00u, uint.MaxValue], new[] { "/p", "/q", "/r" }.Select(path => board.Node(path).IommuMapMask));
        Assert.Contains("id 0x101 has bits outside iommu-map-mask 0xff00", Assert.Single(warnings).Reason, StringComparison.Ordinal);
    }

    private static void Iommu(DtbSource node, uint phandle, uint cells) =>
        node.Texts("compatible", "x").Cells("#iommu-cells", cells).Cells("phandle", phandle);
}
