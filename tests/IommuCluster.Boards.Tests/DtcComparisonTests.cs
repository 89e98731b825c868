using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests;

/// <summary>
/// Our reading of a tree against dtc's: the same masters in the same order, the same cells. Where dtc is missing the
/// facts of <see cref="BoardFactsTests"/> stand alone; where real trees are, a tree built here is compared as well.
/// </summary>
public class DtcComparisonTests
{
    public static TheoryData<string> Boards => ["built", .. BoardFiles.Real.Keys];

    [Theory]
    [MemberData(nameof(Boards))]
    public void Masters_AreAsDtcShowsThem(string name)
    {
        var path = name == "built" ? WriteBuilt() : BoardFiles.Real[name];
        var board = BoardReader.LoadDtb(path);
        if (DtsText.Decompile(path) is not { } dts)
        {
            // No second opinion to be had: at least the specifiers must be whole.
            Assert.All(board.Nodes.SelectMany(node => node.Iommus), specifier => Assert.Equal(board.Node(specifier.Iommu).IommuCells, specifier.Cells.Length));
            return;
        }

        Assert.Equal(dts.Order.Where(node => dts.Has(node, "#iommu-cells")), board.Nodes.Where(node => node.IommuCells is not null).Select(node => node.Path));
        Assert.Equal(
            dts.Order.Where(node => dts.Has(node, "iommus") || dts.Has(node, "iommu-map")),
            board.Nodes.Where(node => !node.Iommus.IsEmpty || !node.IommuMap.IsEmpty).Select(node => node.Path));
        Assert.All(board.Nodes, node =>
        {
            Assert.Equal(dts.Cells(node.Path, "iommus"), node.Iommus.SelectMany(specifier => (uint[])[Phandle(dts, specifier.Iommu), .. specifier.Cells]));
            Assert.Equal(dts.Cells(node.Path, "iommu-map"), node.IommuMap.SelectMany(entry => (uint[])[entry.IdBase, Phandle(dts, entry.Iommu), .. entry.Cells, entry.Length]));
            Assert.Equal(dts.Cells(node.Path, "#iommu-cells"), node.IommuCells is { } cells ? [(uint)cells] : []);
            AssertSingleListSuppliers(dts, node);
        });
    }

    // Lists without arguments: every phandle's device is there, and nothing else.
    private static void AssertSingleListSuppliers(DtsText dts, FirmwareNode node)
    {
        var larbs = new[] { "mediatek,larbs", "mediatek,larb", "mediatek,smi" }.SelectMany(property => dts.Cells(node.Path, property)).Distinct();
        Assert.Equal(
            larbs.Order(),
            node.Suppliers.Where(supplier => supplier.Kind == SupplierKind.MediaTekLarb).Select(supplier => Phandle(dts, supplier.Node)).Order());
    }

    private static uint Phandle(DtsText dts, string path) => Assert.Single(dts.Cells(path, "phandle"));

    private static string WriteBuilt()
    {
        var path = Path.Combine(AppContext.BaseDirectory, "built.dtb");
        File.WriteAllBytes(path, Dtb.HostileDtbTests.Rich().Flatten());
        return path;
    }
}
