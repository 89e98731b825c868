using System.Buffers.Binary;
using System.Text;
using IommuCluster.Boards.Dtb;
using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests.Dtb;

public class DtbReaderTests
{
    private const int StructAt = 56; // Header, one empty reservation.

    [Fact]
    public void Read_WholeFormat_GivesNodesPropertiesAndReservations()
    {
        var data = new DtbSource().Cells("#address-cells", 2).Child("soc", soc => soc.Texts("status", "okay").Child("dev@10")).Child("last")
            .Flatten((0x8000_0000, 0x1000), (0x1_0000_0000, 1));

        var tree = DtbReader.Read(data, new DiagnosticBag("test"));

        Assert.Equal(["/", "/soc", "/soc/dev@10", "/last"], tree.Nodes.Select(node => node.Path));
        Assert.Equal(2u, tree.Root.Cell("#address-cells"));
        Assert.Equal("okay", tree.Nodes[1].Find("status")?.Text());
        Assert.Equal([new(0x8000_0000, 0x1000), new(0x1_0000_0000, 1)], tree.Reservations);
    }

    [Fact]
    public void Read_NopsAndTrailingBytes_ArePassedOver()
    {
        var data = Structure(w => w.Word(4).Node("").Word(4).Word(2).Word(4).Word(9));
        var tree = DtbReader.Read(data.Concat(new byte[13]).ToArray(), new DiagnosticBag("test"));
        Assert.Single(tree.Nodes);
    }

    public static TheoryData<string, byte[], int, string> Broken => new()
    {
        { "empty", [], 0, "no flattened device tree" },
        { "text", Encoding.ASCII.GetBytes("/dts-v1/; / { };"), 0, "no flattened device tree" },
        { "header cut", Flat()[..20], 20, "header needs 40 bytes" },
        { "file cut", Flat()[..^1], 4, "the header says" },
        { "old version", Patch(Flat(), 20, 16), 20, "older than 17" },
        { "new version", Patch(Patch(Flat(), 20, 18), 24, 18), 24, "version 18" },
        { "structure unaligned", Patch(Flat(), 8, 58), 8, "structure block cannot start" },
        { "structure outside", Patch(Flat(), 8, 0x7fff_fff0), 8, "structure block cannot start" },
        { "structure too long", Patch(Flat(), 36, 0x7fff_fff0), 36, "structure block of" },
        { "strings outside", Patch(Flat(), 12, uint.MaxValue), 12, "strings block cannot start" },
        { "reservations unaligned", Patch(Flat(), 16, 44), 16, "memory reservation block cannot start" },
        { "reservations without end", Patch(Flat(), 40, 1, 16), 56 + 24, "" },
        { "unknown token", Structure(w => w.Word(1).Text("").Word(7)), StructAt + 8, "unknown token 0x7 in /" },
        { "no root", Structure(w => w.Word(9)), StructAt, "the tree ends outside" },
        { "two roots", Structure(w => w.Node("").Word(2).Node("").Word(2).Word(9)), StructAt + 12, "a second root node" },
        { "root with a name", Structure(w => w.Node("x").Word(2).Word(9)), StructAt + 4, "root node is called 'x'" },
        { "child without a name", Structure(w => w.Node("").Node("").Word(2).Word(2).Word(9)), StructAt + 12, "without a name" },
        { "slash in a name", Structure(w => w.Node("").Node("a/b").Word(2).Word(2).Word(9)), StructAt + 12, "slash" },
        { "blank in a name", Structure(w => w.Node("").Node("a b").Word(2).Word(2).Word(9)), StructAt + 12, "blank" },
        { "name without end", Structure(w => w.Word(1).Word(0x61616161)), StructAt + 4, "without an end" },
        { "end too early", Structure(w => w.Node("").Word(9)), StructAt + 8, "the tree ends in /" },
        { "no end", Structure(w => w.Node("").Word(2)), StructAt + 12, "structure block ends where a token is due" },
        { "node end too often", Structure(w => w.Node("").Word(2).Word(2)), StructAt + 12, "a node's end outside" },
        { "property outside", Structure(w => w.Word(3).Word(0).Word(0)), StructAt, "a property outside" },
        { "property too long", Structure(w => w.Node("").Word(3).Word(0x7fff_ffff).Word(0).Word(2).Word(9)), StructAt + 8, "ends behind the structure block" },
        { "property name outside", Structure(w => w.Node("").Word(3).Word(0).Word(0xffff_ffff).Word(2).Word(9)), StructAt + 8, "strings block of" },
        { "siblings of one name", Structure(w => w.Node("").Node("a").Word(2).Node("a").Word(2).Word(2).Word(9)), StructAt + 20, "two nodes /a" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void Read_Broken_SaysWhereAndWhat(string what, byte[] data, int offset, string reason)
    {
        var diagnostic = Assert.Single(Loading.Refused(data));

        Assert.NotEmpty(what);
        Assert.Contains(reason, diagnostic.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(diagnostic.Remedy);
        if (reason.Length > 0)
        {
            Assert.Equal(offset, diagnostic.Offset);
        }
    }

    [Fact]
    public void ToString_Binary_NamesFileAndOffset() =>
        Assert.StartsWith("test.dtb @0x0: this is no flattened device tree", Loading.Refused([])[0].ToString(), StringComparison.Ordinal);

    [Fact]
    public void Read_PropertyTwice_TakesTheFirstAndWarns()
    {
        var warnings = new List<BoardDiagnostic>();
        var board = DtbSource.Arm64(root => root.Child("a", a => a.Texts("compatible", "x").Texts("compatible", "y"))).Load(warnings);
        Assert.Equal("x", Assert.Single(board.Node("/a").Compatible));
        Assert.Contains("compatible twice", Assert.Single(warnings).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_PhandleTwice_TakesTheFirstAndWarns()
    {
        var warnings = new List<BoardDiagnostic>();
        var board = DtbSource.Arm64(root => root
            .Child("a", a => a.Texts("compatible", "x").Cells("phandle", 1))
            .Child("b", b => b.Texts("compatible", "x").Cells("phandle", 1))
            .Child("c", c => c.Texts("compatible", "x").Cells("vcc-supply", 1))).Load(warnings);
        Assert.Equal(["Regulator /a"], board.Node("/c").Needs());
        Assert.Contains("both have phandle 0x1", Assert.Single(warnings).Reason, StringComparison.Ordinal);
    }

    private static byte[] Flat() => DtbSource.Arm64(_ => { }).Flatten();

    private static byte[] Patch(byte[] data, int offset, uint word, int repeat = 1)
    {
        for (var i = 0; i < repeat && offset + (i * 4) + 4 <= data.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(offset + (i * 4)), word);
        }

        return data;
    }

    private static byte[] Structure(Func<Words, Words> write)
    {
        var structure = write(new Words([])).Bytes;
        var header = new uint[] { 0xd00dfeed, (uint)(StructAt + structure.Length), StructAt, (uint)(StructAt + structure.Length), 40u, 17u, 16u, 0u, 0u, (uint)structure.Length };
        var words = header.Aggregate(new Words([]), (all, word) => all.Word(word));
        return [.. words.Bytes, .. new byte[16], .. structure];
    }

    /// <summary>A structure block word by word.</summary>
    private sealed record Words(byte[] Bytes)
    {
        internal Words Word(uint word)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, word);
            return new([.. Bytes, .. bytes]);
        }

        internal Words Text(string text)
        {
            var bytes = Encoding.ASCII.GetBytes(text + "\0");
            return new([.. Bytes, .. bytes, .. new byte[(4 - (bytes.Length % 4)) % 4]]);
        }

        internal Words Node(string name) => Word(1).Text(name);
    }
}
