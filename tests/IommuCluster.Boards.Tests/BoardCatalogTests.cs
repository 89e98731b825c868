using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests;

public sealed class BoardCatalogTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("boards").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Locate_FromAScenario_WalksUp()
    {
        var boards = Directory.CreateDirectory(Path.Combine(_root, "scenarios", "boards")).FullName;
        var story = Directory.CreateDirectory(Path.Combine(_root, "scenarios", "story", "deep")).FullName;
        File.WriteAllText(Path.Combine(boards, "small.yaml"), "board: small\narchitecture: arm\nnodes: []\n");

        Assert.Equal(boards, BoardCatalog.Locate(Path.Combine(story, "scenario.yaml")).Directory);
        Assert.Equal(boards, BoardCatalog.Locate(_root).Directory);
        Assert.Equal("small", BoardCatalog.Locate("/nowhere", story).Load("small").Name);
    }

    [Fact]
    public void Locate_FromTheTests_FindsTheShippedBoards() =>
        Assert.Equal(Path.GetFullPath(BoardFiles.ShippedDirectory), BoardCatalog.Locate(AppContext.BaseDirectory).Directory);

    [Fact]
    public void List_YamlBeforeDeviceTree_EachNameOnce()
    {
        Write("b.dtb", DtbSource.Arm64(_ => { }).Flatten());
        Write("b.yaml", "board: b\narchitecture: arm\nnodes: []\n"u8.ToArray());
        Write("a.dtb", DtbSource.Arm64(_ => { }).Flatten());
        Write("notes.txt", []);
        var catalog = new BoardCatalog(_root);

        Assert.Equal([new("a", Path.Combine(_root, "a.dtb")), new("b", Path.Combine(_root, "b.yaml"))], catalog.List().ToArray());
        Assert.Equal("a", catalog.Load("a").Name);
        Assert.Equal("a.dtb", catalog.Load("a").Source);
    }

    [Fact]
    public void Load_Path_NeedsNoDirectory()
    {
        Write("x.dtb", DtbSource.Arm64(_ => { }).Flatten());
        var catalog = new BoardCatalog(null);
        Assert.Empty(catalog.List());
        Assert.Equal("x", catalog.Load(Path.Combine(_root, "x.dtb")).Name);
    }

    [Theory]
    [InlineData("rk3288-firfly", "rk3288-firfly: no such board; did you mean 'rk3288-firefly'?")]
    [InlineData("/no/such/board.dtb", "/no/such/board.dtb: no such file; give the path of a .yaml or .dtb file")]
    public void Load_Unknown_SaysWhatIsMeant(string name, string message)
    {
        var refused = Assert.Throws<BoardFormatException>(() => new BoardCatalog(BoardFiles.ShippedDirectory).Load(name));
        Assert.Equal(message, refused.Message);
    }

    [Fact]
    public void Load_NoDirectory_SaysSo() =>
        Assert.Contains("no directory scenarios/boards", Assert.Throws<BoardFormatException>(() => new BoardCatalog(null).Load("x")).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_BadFile_NamesIt()
    {
        Write("bad.yaml", "board: [\n"u8.ToArray());
        Write("binary.yaml", [0x62, 0x0a, 0xff, 0xfe]);
        Write("bad.dtb", "text"u8.ToArray());
        var catalog = new BoardCatalog(_root);
        Assert.StartsWith(Path.Combine(_root, "bad.yaml") + ":2:1: no YAML", Refused(Path.Combine(_root, "bad.yaml")), StringComparison.Ordinal);
        Assert.StartsWith(Path.Combine(_root, "bad.dtb") + " @0x0: ", Refused(Path.Combine(_root, "bad.dtb")), StringComparison.Ordinal);
        Assert.Contains("no UTF-8", Refused("binary"), StringComparison.Ordinal);

        string Refused(string name) => Assert.Throws<BoardFormatException>(() => catalog.Load(name)).Message;
    }

    private void Write(string name, byte[] data) => File.WriteAllBytes(Path.Combine(_root, name), data);
}
