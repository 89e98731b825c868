using System.Buffers.Binary;
using System.Diagnostics;
using IommuCluster.Boards.Dtb;
using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests.Dtb;

/// <summary>Whatever the bytes say: a board or a diagnostic, in bounded memory and time.</summary>
public class HostileDtbTests
{
    private const int Mutations = 4_000;
    private const long MaxBytes = 256L << 20;

    [Fact]
    public void LoadDtb_MutatedTree_GivesABoardOrADiagnostic()
    {
        var original = Rich().Flatten((0x8000_0000, 0x1000));
        var (boards, refusals) = (0, 0);
        for (var seed = 0; seed < Mutations; seed++)
        {
            var data = Mutate(original, new Random(seed));
            try
            {
                Loading.Load(data);
                boards++;
            }
            catch (BoardFormatException refused)
            {
                Assert.All(refused.Diagnostics, diagnostic => Assert.True(diagnostic.Reason.Length > 0 && diagnostic.Remedy.Length > 0));
                refusals++;
            }
            catch (Exception other)
            {
                Assert.Fail($"seed {seed}: {other}");
            }
        }

        Assert.True(boards > Mutations / 20, $"only {boards} mutations left a board: they miss what is behind the structure");
        Assert.True(refusals > Mutations / 20, $"only {refusals} mutations were refused");
    }

    [Theory]
    [InlineData(DtbLimits.FileBytes + 1)]
    [InlineData(64 << 20)]
    public void LoadDtb_TooLarge_IsRefused(int bytes)
    {
        var data = new byte[bytes];
        BinaryPrimitives.WriteUInt32BigEndian(data, 0xd00dfeed);
        Assert.Contains("more than", Assert.Single(Loading.Refused(data)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDtb_NestedTooDeep_IsRefused()
    {
        var inner = new DtbSource("n");
        for (var i = 0; i < DtbLimits.Depth + 1; i++)
        {
            var outer = new DtbSource(i == DtbLimits.Depth ? "" : "n");
            inner = Wrap(outer, inner);
        }

        Assert.Contains("nested deeper", Assert.Single(Loading.Refused(inner)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDtb_TooManyNodes_IsRefused()
    {
        var root = new DtbSource();
        for (var i = 0; i < DtbLimits.Nodes; i++)
        {
            root.Child($"n{i:x}");
        }

        Assert.Contains("nodes", Assert.Single(Bounded(root.Flatten)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDtb_LongRanges_AreGivenUp()
    {
        // Every device's address is sought in a table that does not have it.
        var data = DtbSource.Arm64(root => root.Child("soc", soc =>
        {
            soc.Cells("#address-cells", 1).Cells("#size-cells", 1).Cells("ranges", [.. Enumerable.Repeat(1u, 300_000)]);
            for (var i = 0; i < 20_000; i++)
            {
                soc.Child($"d@{i:x}", d => d.Texts("compatible", "x").Cells("reg", 0xffff_0000, 1));
            }
        }));
        Assert.Contains("ranges is too long", Assert.Single(Bounded(data.Flatten)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDtb_WideInterruptMapUnderManyNodes_StaysBounded()
    {
        var data = DtbSource.Arm64(root =>
        {
            root.Child("nexus", nexus =>
            {
                nexus.Cells("#interrupt-cells", 1).Cells("#address-cells", 0).Cells("phandle", 1)
                    .Cells("interrupt-map", [.. Enumerable.Range(0, 10_000).SelectMany(i => new[] { 0u, (uint)i + 10, 0u })]);
            });
            for (var i = 0; i < 10_000; i++)
            {
                root.Child($"d{i}", d => d.Texts("compatible", "x").Cells("phandle", (uint)i + 10).Cells("#interrupt-cells", 1)
                    .Cells("interrupt-parent", 1).Cells("interrupts", 1));
            }
        });
        Assert.Empty(Bounded(data.Flatten));
    }

    [Fact]
    public void LoadDtb_LongSpecifierLists_StayBounded()
    {
        var data = DtbSource.Arm64(root => root
            .Child("iommu", iommu => iommu.Texts("compatible", "x").Cells("#iommu-cells", 0).Cells("phandle", 1))
            .Child("master", master => master.Texts("compatible", "x").Cells("iommus", [.. Enumerable.Repeat(1u, 1_000_000)])));
        Assert.Empty(Bounded(data.Flatten));
    }

    [Fact]
    public void LoadDtb_ManyPropertiesUnderManyChildren_StaysBounded()
    {
        var data = DtbSource.Arm64(root =>
        {
            for (var i = 0; i < 60_000; i++)
            {
                root.Flag($"p{i:x}");
            }

            for (var i = 0; i < 20_000; i++)
            {
                root.Child($"d@{i:x}", d => d.Texts("compatible", "x").Cells("reg", 0, 1));
            }
        });
        Assert.Empty(Bounded(data.Flatten));
    }

    private static DtbSource Wrap(DtbSource outer, DtbSource inner)
    {
        outer.Child("n", inner.CopyTo);
        return outer;
    }

    private static IReadOnlyList<BoardDiagnostic> Bounded(Func<(ulong, ulong)[], byte[]> flatten)
    {
        var data = flatten([]);
        Assert.True(data.Length <= DtbLimits.FileBytes, $"the test's file has {data.Length} bytes");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        IReadOnlyList<BoardDiagnostic> diagnostics = [];
        try
        {
            Loading.Load(data);
        }
        catch (BoardFormatException refused)
        {
            diagnostics = refused.Diagnostics;
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxBytes);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 20);
        return diagnostics;
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var data = original.ToList();
        for (var edits = random.Next(1, 5); edits > 0; edits--)
        {
            var at = random.Next(data.Count);
            switch (random.Next(8))
            {
                case 0:
                    data[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    data[at] = (byte)random.Next(256);
                    break;
                case 2:
                    PutWord(data, at, (uint)random.NextInt64(1L << 32));
                    break;
                case 3:
                    PutWord(data, at, s_edges[random.Next(s_edges.Length)]);
                    break;
                case 4:
                    PutWord(data, at, (uint)random.Next(16)); // Small: tokens, phandles, counts.
                    break;
                case 5 when data.Count > 8:
                    data.RemoveRange(at, Math.Min(random.Next(1, 16), data.Count - at));
                    data.AddRange(new byte[16]); // So that the total size still fits.
                    break;
                case 6:
                    data.InsertRange(at, data.GetRange(at, Math.Min(4 * random.Next(1, 8), data.Count - at)));
                    break;
                default:
                    CopyWord(data, random.Next(data.Count), at);
                    break;
            }
        }

        return random.Next(20) == 0 ? [.. data.Take(random.Next(data.Count))] : [.. data];
    }

    private static readonly uint[] s_edges = [0, 1, 2, 3, 4, 9, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffc, 0xd00d_feed, 0x0100_0000];

    private static void PutWord(List<byte> data, int at, uint word)
    {
        at &= ~3;
        for (var i = 0; i < 4 && at + i < data.Count; i++)
        {
            data[at + i] = (byte)((word >> (24 - (8 * i))) & 0xff);
        }
    }

    private static void CopyWord(List<byte> data, int from, int to)
    {
        (from, to) = (from & ~3, to & ~3);
        for (var i = 0; i < 4 && Math.Max(from, to) + i < data.Count; i++)
        {
            data[to + i] = data[from + i];
        }
    }

    /// <summary>A tree with something of everything the conversion looks at.</summary>
    internal static DtbSource Rich() => DtbSource.Arm64(root => root
        .Child("gic", gic => gic.Texts("compatible", "arm,gic").Cells("#interrupt-cells", 1).Cells("#address-cells", 0).Flag("interrupt-controller").Cells("phandle", 1))
        .Child("clocks", clocks => clocks.Texts("compatible", "x,cru").Cells("#clock-cells", 1).Cells("#reset-cells", 1).Cells("phandle", 2))
        .Child("reserved-memory", memory => memory.Cells("#address-cells", 1).Cells("#size-cells", 1).Flag("ranges")
            .Child("fb@1000", fb => fb.Cells("reg", 0x1000, 0x100).Cells("iommu-addresses", 5, 0x1000, 0x100).Cells("phandle", 3)))
        .Child("soc", soc => soc.Texts("compatible", "simple-bus").Cells("#address-cells", 1).Cells("#size-cells", 1)
            .Cells("ranges", 0, 0x1000_0000, 0x100_0000).Cells("interrupt-parent", 1)
            .Child("iommu@10", iommu => iommu.Texts("compatible", "arm,mmu-500").Cells("reg", 0x10, 1, 0x20, 1).Cells("#iommu-cells", 2)
                .Cells("#global-interrupts", 1).Cells("interrupts", 1, 2, 3).Cells("stream-match-mask", 0x7c00).Cells("phandle", 4).Flag("dma-coherent"))
            .Child("display@30", display => display.Texts("compatible", "x,vop", "y,vop").Cells("reg", 0x30, 1).Cells("phandle", 5)
                .Cells("iommus", 4, 0x300, 0, 4, 0x301, 0x7).Cells("clocks", 2, 7, 2, 8).Cells("resets", 2, 1).Cells("interrupts", 1)
                .Cells("memory-region", 3).Cells("vdd-supply", 6).Cells("reset-gpios", 7, 1, 0).Cells("pinctrl-0", 8).Texts("status", "okay")
                .Child("port", port => port.Child("endpoint", endpoint => endpoint.Cells("phandle", 9).Cells("remote-endpoint", 10))))
            .Child("pmic@40", pmic => pmic.Texts("compatible", "x,pmic").Cells("reg", 0x40, 1).Cells("interrupts-extended", 1, 9)
                .Child("regulators", regulators => regulators.Child("ldo", ldo => ldo.Cells("phandle", 6))))
            .Child("pinctrl@50", pinctrl => pinctrl.Texts("compatible", "x,pinctrl").Cells("reg", 0x50, 1).Cells("#gpio-cells", 2).Cells("phandle", 7)
                .Child("state", state => state.Cells("phandle", 8)))
            .Child("hdmi@60", hdmi => hdmi.Texts("compatible", "x,hdmi").Cells("reg", 0x60, 1).Texts("status", "disabled")
                .Child("port", port => port.Child("endpoint", endpoint => endpoint.Cells("phandle", 10).Cells("remote-endpoint", 9))))
            .Child("pcie@70", pcie => pcie.Texts("compatible", "x,pcie").Texts("device_type", "pci").Cells("reg", 0x70, 1)
                .Cells("#address-cells", 3).Cells("#size-cells", 2).Cells("#interrupt-cells", 1)
                .Cells("iommu-map", 0, 4, 0x1400, 0, 1, 0x100, 4, 0x1401, 0, 1).Cells("iommu-map-mask", 0xffff)
                .Cells("msi-map", 0, 1, 0, 0x100).Cells("interrupt-map", 0, 0, 0, 1, 1, 5).Cells("ranges", 0x200_0000, 0, 0, 0x80, 0, 0x100)
                .Child("wifi@0,0", wifi => wifi.Texts("compatible", "pci1,2").Cells("reg", 0x200_0000, 0, 0x10, 0, 1)))));
}
