using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests;

public class ShippedBoardsTests
{
    public static TheoryData<string> Boards => [.. BoardFiles.Shipped];

    [Theory]
    [MemberData(nameof(Boards))]
    public void Shipped_ReadAndWritten_IsTheSameFile(string name)
    {
        var text = File.ReadAllText(BoardFiles.ShippedPath(name));
        Assert.Equal(text, BoardWriter.ToYaml(BoardReader.LoadYaml(BoardFiles.ShippedPath(name))));
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Shipped_AndTheRealTree_SayTheSame(string name)
    {
        var shipped = BoardReader.LoadYaml(BoardFiles.ShippedPath(name));
        var again = BoardFiles.Real.TryGetValue(name, out var path) ? BoardReader.LoadDtb(path, shipped.Source) : shipped;
        Assert.Equal(BoardText.Of(shipped), BoardText.Of(BoardSelection.AroundIommus(again)));
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Shipped_EveryNodeNamed_IsThere(string name)
    {
        var board = BoardReader.LoadYaml(BoardFiles.ShippedPath(name));
        var paths = board.Nodes.Select(node => node.Path).ToHashSet();
        Assert.All(board.Nodes.SelectMany(node => node.Suppliers), supplier => Assert.Contains(supplier.Node, paths));
        Assert.Contains("Debian", board.Source, StringComparison.Ordinal);
    }

    [Fact]
    public void Shipped_AreAllThatIsInTheDirectory() =>
        Assert.Equal(BoardFiles.Shipped, new BoardCatalog(BoardFiles.ShippedDirectory).List().Select(entry => entry.Name));

    public static TheoryData<string> Real => [.. BoardFiles.Real.Keys.DefaultIfEmpty("rk3288-firefly")];

    [Theory]
    [MemberData(nameof(Real))]
    public void Real_ThroughYaml_StaysTheSame(string name)
    {
        var warnings = new List<BoardDiagnostic>();
        var board = BoardFiles.Real.TryGetValue(name, out var path) ? BoardReader.LoadDtb(path, onWarning: warnings.Add) : BoardFiles.Load(name);
        Assert.Empty(warnings);
        Assert.Equal(BoardText.Of(board), BoardText.Of(BoardReader.ParseYaml(BoardWriter.ToYaml(board), "test.yaml")));
    }
}
