using System.Collections.Immutable;
using IommuCluster.Boards.Tests.Dtb;
using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Yaml;

public class BoardYamlTests
{
    private const string Small = """
        board: small
        architecture: arm64
        nodes:
          - path: /soc
            compatible: simple-bus
          - path: /soc/iommu@10
            compatible: arm,mmu-500 arm,smmu-v2
            iommu-cells: 2
            dma-coherent: true
          - path: /soc/ufs@20
            iommus: iommu@10 0x300 0
            needs:
              supplies: /soc
          - path: /soc/pcie@30
            enabled: false
            iommu-map:
              - 0x100 iommu@10 0x1c81 0x1
              - 0x200 iommu@10 0x1c82 0 0x1
            iommu-map-mask: 0xff00
        """;

    [Fact]
    public void Parse_Small_FillsInWhatGoesWithoutSaying()
    {
        var board = BoardReader.ParseYaml(Small, "small.yaml");

        Assert.Equal(("small", "", "", Architecture.Arm64), (board.Name, board.Model, board.Source, board.Architecture));
        var iommu = board.Node("/soc/iommu@10");
        Assert.Equal(("10.iommu", true, 2, 1, 0, true), (iommu.Name, iommu.Enabled, iommu.IommuCells, iommu.Registers, iommu.Interrupts, iommu.DmaCoherent));
        Assert.Equal(uint.MaxValue, iommu.IommuMapMask);
        var ufs = board.Node("/soc/ufs@20");
        Assert.Equal(["/soc/iommu@10 0x300 0x0"], ufs.Specifiers());
        Assert.Equal(["Regulator /soc"], ufs.Needs());
        Assert.Null(ufs.DmaCoherent);
        var pcie = board.Node("/soc/pcie@30");
        Assert.Equal(["0x100 /soc/iommu@10 0x1c81 0x1", "0x200 /soc/iommu@10 0x1c82 0x0 0x1"], pcie.MapEntries());
        Assert.Equal((false, 0xff00u), (pcie.Enabled, pcie.IommuMapMask));
    }

    [Fact]
    public void Write_Small_LeavesOutWhatGoesWithoutSaying()
    {
        var text = BoardWriter.ToYaml(BoardReader.ParseYaml(Small, "small.yaml"));
        Assert.DoesNotContain("registers", text, StringComparison.Ordinal);
        Assert.DoesNotContain("name:", text, StringComparison.Ordinal);
        Assert.DoesNotContain("enabled: true", text, StringComparison.Ordinal);
        Assert.Contains("    iommus: iommu@10 0x300 0x0\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void RoundTrip_RichTree_IsExact() => AssertRoundTrip(HostileDtbTests.Rich().Load());

    [Theory]
    [InlineData("")]
    [InlineData("plain text, with (some) signs & more")]
    [InlineData("12")]
    [InlineData("0x10")]
    [InlineData("null")]
    [InlineData("Yes")]
    [InlineData("2024-01-01")]
    [InlineData("a: b")]
    [InlineData("a:b")]
    [InlineData("ends:")]
    [InlineData("a #b")]
    [InlineData("- a")]
    [InlineData("[a, b]")]
    [InlineData("\"quoted\" \\ 'twice'")]
    [InlineData(" blanks ")]
    [InlineData("two  blanks")]
    [InlineData("line\nbreak\r\ttab")]
    [InlineData("\u0000\u0007\u007f\u0085\u00a0\u2028\ufeff\ufffd")]
    [InlineData("Grüße, 板, 🙂")]
    public void RoundTrip_AnyText_IsExact(string text)
    {
        var board = BoardReader.ParseYaml(Small, "small.yaml");
        AssertRoundTrip(board with { Name = "x" + text, Model = text, Source = text, Compatible = text.Length == 0 ? [] : [text, "b"] });
    }

    [Fact]
    public void RoundTrip_EveryKindOfSupplier_IsExact()
    {
        var board = BoardReader.ParseYaml(Small, "small.yaml");
        var suppliers = Enum.GetValues<SupplierKind>().Reverse().SelectMany(kind => new[] { new Supplier(kind, "/soc/ufs@20"), new Supplier(kind, "/soc") }).ToImmutableArray();
        AssertRoundTrip(board with { Nodes = [.. board.Nodes.Select(node => node with { Suppliers = suppliers })] });
    }

    [Fact]
    public void RoundTrip_NodesOfOneName_AreNamedByPath()
    {
        var board = DtbSource.Arm64(root => root
            .Child("a", a => a.Texts("compatible", "x").Child("mmu@0", n => n.Texts("compatible", "x").Cells("#iommu-cells", 0).Cells("phandle", 1)))
            .Child("b", b => b.Texts("compatible", "x").Child("mmu@0", n => n.Texts("compatible", "x").Cells("#iommu-cells", 0).Cells("phandle", 2)))
            .Child("m", m => m.Texts("compatible", "x").Cells("iommus", 2, 1))).Load();

        Assert.Contains("- /b/mmu@0\n", BoardWriter.ToYaml(board), StringComparison.Ordinal);
        AssertRoundTrip(board);
    }

    [Theory]
    [InlineData("a:")]
    [InlineData("*a")]
    [InlineData("[a")]
    [InlineData("\"a")]
    [InlineData("#a")]
    [InlineData("-")]
    public void RoundTrip_OddNodeNames_IsExact(string name) => AssertRoundTrip(DtbSource.Arm64(root => root
        .Child(name, n => n.Texts("compatible", "x").Cells("#iommu-cells", 0).Cells("phandle", 1))
        .Child("m", m => m.Texts("compatible", "x").Cells("iommus", 1, 1).Cells("vcc-supply", 1))).Load());

    [Fact]
    public void RoundTrip_NoNodes_IsExact() => AssertRoundTrip(DtbSource.Arm64(_ => { }).Load());

    [Fact]
    public void Parse_SeveralErrors_AreToldAtOnceWithTheirPlaces()
    {
        const string text = """
            board: small
            architecture: riscv
            nodes:
              - path: /iommu@10
                iommu-cels: 2
              - path: /ufs@20
                iommus: iomu@10 0x300 0
                enabled: maybe
                needs:
                  clock: iommu@10
              - path: /iommu@10
              - name: x
            """;

        var errors = Refused(text);

        Assert.Equal(
            [
                "test.yaml:1:1: architecture 'riscv' is unknown; write arm, arm64 or x86",
                "test.yaml:5:5: 'iommu-cels' is unknown here; did you mean 'iommu-cells'?",
                "test.yaml:7:13: no node 'iomu@10' in this board; did you mean 'iommu@10'?",
                "test.yaml:8:14: enabled is 'maybe'; write true or false",
                "test.yaml:10:7: 'clock' is no kind of supplier; did you mean 'clocks'?",
                "test.yaml:11:5: two nodes /iommu@10; remove one of the two",
                "test.yaml:12:5: a node without a proper path; write `path: /soc/iommu@15000000`: parts without blanks, 1024 characters at most",
            ],
            errors.Select(error => error.ToString()));
    }

    [Theory]
    [InlineData("", 1, 1, "an empty file")]
    [InlineData("# nothing\n", 1, 1, "an empty file")]
    [InlineData("- a", 1, 1, "no board")]
    [InlineData("just text", 1, 1, "no board")]
    [InlineData("board: [a\n", 2, 1, "no YAML")]
    [InlineData("board: a\nb: \"c", 2, 4, "no YAML")]
    [InlineData("a: b\n c: d", 2, 3, "no YAML")]
    [InlineData("board: &x a", 1, 8, "an anchor or a tag")]
    [InlineData("board: !!int 1", 1, 8, "an anchor or a tag")]
    [InlineData("board: *x", 1, 8, "an alias")]
    [InlineData("[a]: b", 1, 1, "a key that is no word")]
    [InlineData("board: a\n---\nboard: b", 2, 1, "a second document")]
    [InlineData("board: [[[[[[[[[[a]]]]]]]]]]", 1, 16, "values nested deeper")]
    public void Parse_NoYamlOfOurs_SaysWhere(string text, int line, int column, string reason)
    {
        var error = Assert.Single(Refused(text));
        Assert.StartsWith(reason, error.Reason, StringComparison.Ordinal);
        Assert.Equal(line, error.Line);
        Assert.True(Math.Abs(column - error.Column.GetValueOrDefault()) <= 3, error.ToString());
    }

    public static TheoryData<string, string> BadNodes => new()
    {
        { "iommus: i@1 0x300", "1 cells for /i@1; its iommu-cells is 2" },
        { "iommus: \"\"", "an empty specifier" },
        { "iommus: i@1 0x100000000 0", "'0x100000000' is no number from 0 to 0xffffffff" },
        { "iommus: i@1 -1 0", "'-1' is no number" },
        { "iommus: {a: b}", "iommus is no text" },
        { "iommu-map: 0 i@1", "a map entry that is too short" },
        { "iommu-map: 0 i@1 1 2 3 1", "3 output cells for /i@1; write one, or as many as its iommu-cells: 2" },
        { "iommu-cells: 17", "'17' is no number from 0 to 0x10" },
        { "compatible: {a: b}", "compatible is no text" },
        { "needs: clocks", "needs needs `key: value` pairs here" },
        { "path: /m", "'path' is given twice" },
    };

    [Theory]
    [MemberData(nameof(BadNodes))]
    public void Parse_BadNode_SaysWhatAndHow(string line, string reason)
    {
        var text = $"board: b\narchitecture: arm\nnodes:\n  - path: /i@1\n    iommu-cells: 2\n  - path: /m\n    {line}\n";
        var errors = Refused(text);
        Assert.Contains(errors, error => error.ToString().Contains(reason, StringComparison.Ordinal) && error.Line == 7 && error.Column >= 5);
    }

    [Theory]
    [InlineData("soc")]
    [InlineData("/")]
    [InlineData("/soc/")]
    [InlineData("/a//b")]
    [InlineData("/a b")]
    public void Parse_BadPath_IsRefused(string path) =>
        Assert.Contains(Refused($"board: b\narchitecture: arm\nnodes:\n  - path: {path}\n"), error => error.Reason == "a node without a proper path");

    [Fact]
    public void Parse_ParentAfterChild_IsRefused() =>
        Assert.Contains(
            Refused("board: b\narchitecture: arm\nnodes:\n  - path: /soc/a\n  - path: /soc\n"),
            error => error is { Reason: "/soc comes after a node below it", Line: 5 });

    [Fact]
    public void Parse_AmbiguousReference_ListsThePaths()
    {
        var error = Assert.Single(Refused("board: b\narchitecture: arm\nnodes:\n  - path: /a/m\n  - path: /b/m\n  - path: /c\n    needs:\n      clocks: m\n"));
        Assert.Equal("test.yaml:8:15: 2 nodes are called 'm'; write the whole path: /a/m or /b/m", error.ToString());
    }

    [Fact]
    public void Parse_MutatedText_GivesABoardOrDiagnostics()
    {
        var original = File.ReadAllText(BoardFiles.ShippedPath("mt7623n-bananapi-bpi-r2"));
        for (var seed = 0; seed < 1_500; seed++)
        {
            var text = Mutate(original, new Random(seed));
            try
            {
                BoardReader.ParseYaml(text, "test.yaml");
            }
            catch (BoardFormatException refused)
            {
                Assert.All(refused.Diagnostics, diagnostic => Assert.True(diagnostic.Line > 0, $"seed {seed}: {diagnostic}"));
            }
            catch (Exception other)
            {
                Assert.Fail($"seed {seed}: {other}");
            }
        }
    }

    [Theory]
    [InlineData("[", 200_000)]
    [InlineData("- ", 200_000)]
    [InlineData("{a: ", 200_000)]
    [InlineData("a: b\n", 200_000)]
    [InlineData("? ", 200_000)]
    public void Parse_HugeOrDeep_IsRefusedSoon(string piece, int times) =>
        Assert.NotEmpty(Refused(string.Concat(Enumerable.Repeat(piece, times))));

    [Fact]
    public void Parse_ManyUnknownReferences_StopsAtAHundred()
    {
        var nodes = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"  - path: /node-with-a-long-name@{i}\n    needs: {{clocks: node-with-a-long-nam@{i}}}\n"));
        Assert.Equal(100, Refused($"board: b\narchitecture: arm\nnodes:\n{nodes}").Length);
    }

    private static string Mutate(string original, Random random)
    {
        const string letters = "\n\t :-[]{}#&*!|>'\"%@`,?~\\0x/a\u0000\u0085\ud800";
        var text = original.ToList();
        for (var edits = random.Next(1, 6); edits > 0; edits--)
        {
            var at = random.Next(text.Count);
            switch (random.Next(4))
            {
                case 0:
                    text[at] = letters[random.Next(letters.Length)];
                    break;
                case 1:
                    text.Insert(at, letters[random.Next(letters.Length)]);
                    break;
                case 2:
                    text.RemoveRange(at, Math.Min(random.Next(1, 30), text.Count - at));
                    break;
                default:
                    text.InsertRange(random.Next(text.Count), text.GetRange(at, Math.Min(random.Next(1, 60), text.Count - at)));
                    break;
            }
        }

        return new string([.. text]);
    }

    private static void AssertRoundTrip(Board board)
    {
        var text = BoardWriter.ToYaml(board);
        var back = BoardReader.ParseYaml(text, "test.yaml");
        Assert.Equal(BoardText.Of(board), BoardText.Of(back));
        Assert.Equal(text, BoardWriter.ToYaml(back));
    }

    private static ImmutableArray<BoardDiagnostic> Refused(string text) =>
        Assert.Throws<BoardFormatException>(() => BoardReader.ParseYaml(text, "test.yaml")).Diagnostics;
}
