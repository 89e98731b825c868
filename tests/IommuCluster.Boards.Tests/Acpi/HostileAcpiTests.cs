using System.Diagnostics;
using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests.Acpi;

/// <summary>Whatever the bytes say: a board or a diagnostic, in bounded memory and time.</summary>
public class HostileAcpiTests
{
    private const int Mutations = 4_000;
    private const long MaxBytes = 256L << 20;

    [Fact]
    public void LoadAcpi_MutatedTable_GivesABoardOrADiagnostic()
    {
        var (boards, refusals) = (0, 0);
        for (var seed = 0; seed < Mutations; seed++)
        {
            var random = new Random(seed);
            var data = Mutate(Tables.All[seed % Tables.All.Length], random);
            try
            {
                var board = Tables.Load(data);
                BoardReader.ParseYaml(BoardWriter.ToYaml(board), "again.yaml");
                boards++;
            }
            catch (BoardFormatException refused)
            {
                Assert.All(refused.Diagnostics, diagnostic => Assert.True(diagnostic.Reason.Length > 0 && diagnostic.Remedy.Length > 0 && diagnostic.File == "0.bin", $"seed {seed}: {diagnostic}"));
                refusals++;
            }
            catch (Exception other)
            {
                Assert.Fail($"seed {seed}: {other}");
            }
        }

        Assert.True(boards > Mutations / 20, $"only {boards} mutations left a board");
        Assert.True(refusals > Mutations / 20, $"only {refusals} mutations were refused");
    }

    [Fact]
    public void Iort_ReservedNodesOverManyMappings_AreGivenUp()
    {
        var table = new TableSource("IORT").U32(3).U32(48).U32(0)
            .U8(4).U16(68).U8(4).U32(1).U32(0).U32(0).U64(0xc000000).Zero(44);
        foreach (var type in new[] { 2, 6 })
        {
            var head = type == 2 ? 36 : 28;
            table.U8(type).U16(head + (20 * 3_000)).U8(1).U32(0).U32(3_000).U32((uint)head).Zero(head - 16);
            for (var i = 0u; i < 3_000; i++)
            {
                table.Mapping(0, uint.MaxValue, 0, 48, 0);
            }
        }

        Assert.Contains("mappings of reserved nodes", Assert.Single(Bounded(table.ToArray())).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Dmar_ManyUnitsThatTakeTheRest_StayBounded()
    {
        var table = new TableSource("DMAR").U8(47).U8(1).Zero(10).U16(0).U16(16 + (8 * 4_000)).U8(0).U8(0).U16(0).U64(1);
        for (var i = 0; i < 4_000; i++)
        {
            table.Scope(1, 0, i >> 8, (i >> 3) & 0x1f, i & 7);
        }

        for (var i = 0; i < 4_000; i++)
        {
            table.U16(0).U16(16).U8(1).U8(0).U16(0).U64(2);
        }

        Assert.Empty(Bounded(table.ToArray()));
    }

    [Fact]
    public void Ivrs_ManyMemoryBlocks_AreRefused()
    {
        var table = new TableSource("IVRS").U32(0).Zero(8);
        for (var i = 0; i < 30_000; i++)
        {
            table.U8(0x20).U8(9).U16(32).Zero(12).U64(0).U64(1);
        }

        Assert.Contains("memory blocks", Assert.Single(Bounded(table.ToArray())).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Viot_SegmentsWithoutEnd_AreRefused() =>
        Assert.Contains(
            "PCI range",
            Assert.Single(Bounded(new TableSource("VIOT").U16(2).U16(48).Zero(8).U8(3).U8(0).U16(16).Zero(12)
                .U8(1).U8(0).U16(24).U32(0).U16(0).U16(0xffff).U16(0).U16(0xffff).U16(48).Zero(6).ToArray())).Reason,
            StringComparison.Ordinal);

    private static IReadOnlyList<BoardDiagnostic> Bounded(byte[] data)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        IReadOnlyList<BoardDiagnostic> diagnostics = [];
        try
        {
            Tables.Load(data);
        }
        catch (BoardFormatException refused)
        {
            diagnostics = refused.Diagnostics;
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxBytes);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 20);
        return diagnostics;
    }

    // Three of four mutations get a right checksum, so that they reach what is behind it.
    private static byte[] Mutate(byte[] original, Random random)
    {
        var data = original.ToArray();
        for (var edits = random.Next(1, 5); edits > 0; edits--)
        {
            var at = random.Next(data.Length);
            data[at] = random.Next(4) switch
            {
                0 => (byte)(data[at] ^ (1 << random.Next(8))),
                1 => (byte)random.Next(256),
                2 => (byte)random.Next(16),
                _ => (byte)(random.Next(2) * 0xff),
            };
        }

        if (random.Next(10) == 0)
        {
            data = data[..random.Next(data.Length)];
        }

        if (random.Next(4) != 0)
        {
            data = random.Next(2) == 0 ? TableSource.Seal(data) : data;
            if (data.Length >= 36)
            {
                TableSource.Checksum(data);
            }
        }

        return data;
    }
}
