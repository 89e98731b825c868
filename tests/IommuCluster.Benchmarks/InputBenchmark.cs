using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Interlocked = System.Threading.Interlocked;
using ManualResetEventSlim = System.Threading.ManualResetEventSlim;
using Thread = System.Threading.Thread;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Format;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>
/// Feeds mutated files to every reader: each must give a result or a diagnostic, in bounded time and memory. Real device
/// trees come from IOMMUCLUSTER_DTB_DIR, real tables from IOMMUCLUSTER_ACPI_DIR; YAML is what ships. A number behind the
/// verb is how many mutations of each of the four kinds there are (25,000).
/// </summary>
/// <param name="count">Mutations a kind.</param>
internal sealed class InputBenchmark(int count) : IBenchmark
{
    private const int HangMs = 30_000;

    /// <summary>One of so many accepted boards is booted, too.</summary>
    private const int BootEvery = 20;

    private string _doing = "";
    private long _since = Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public string Verb => "input";

    /// <inheritdoc/>
    public string Summary => "mutated device trees, ACPI tables, boards and scenarios: accepted, refused, crashes, memory";

    /// <inheritdoc/>
    public void Run()
    {
        Console.WriteLine($"{"",-10}{"files",6}{"mutations",11}{"accepted",10}{"refused",9}{"booted",8}{"crashed",9}{"slowest",11}{"most allocated",16}{"seconds",9}");
        using var done = new ManualResetEventSlim();
        var worker = new Thread(() =>
        {
            Work();
            done.Set();
        });
        worker.Start();
        while (!done.Wait(1_000))
        {
            if (Stopwatch.GetElapsedTime(Interlocked.Read(ref _since)).TotalMilliseconds > HangMs)
            {
                Console.WriteLine($"hangs: {_doing}");
                Environment.Exit(1);
            }
        }

        using var self = Process.GetCurrentProcess();
        Console.WriteLine($"peak managed heap after a collection {GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes >> 20} MiB at the end; peak working set of the process {self.PeakWorkingSet64 >> 20} MiB");
    }

    private void Work()
    {
        var trees = RealFiles.Of("IOMMUCLUSTER_DTB_DIR", "*.dtb");
        var tables = RealFiles.Of("IOMMUCLUSTER_ACPI_DIR", "*.bin");
        Measure("dtb", trees, (data, _) => BoardReader.LoadDtb(data, "mutated", "a mutation"), Binary);
        Measure("acpi", tables, (data, _) => BoardReader.LoadAcpi([("mutated", data)], "mutated", "a mutation"), Table);
        Measure("board", Yaml(RealFiles.Boards), (data, _) => BoardReader.ParseYaml(Encoding.UTF8.GetString(data), "mutated"), Binary);
        var place = Directory.CreateTempSubdirectory("iommucluster-input-");
        try
        {
            var file = Path.Combine(place.FullName, "mutated.yaml");
            var catalog = new ScenarioCatalog(null);
            Directory.SetCurrentDirectory(RealFiles.Root);
            Measure("scenario", [.. Yaml(RealFiles.Scenarios).Where(path => !path.Contains("/boards/", StringComparison.Ordinal))], (data, _) =>
            {
                File.WriteAllBytes(file, data);
                catalog.Load(file);
                return null;
            }, Binary);
        }
        finally
        {
            place.Delete(recursive: true);
        }
    }

    private static List<string> Yaml(string directory) => [.. Directory.EnumerateFiles(directory, "*.yaml", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private void Measure(string kind, IReadOnlyList<string> files, Func<byte[], int, Board?> read, Func<byte[], SeededRandom, byte[]> mutate)
    {
        if (files.Count == 0)
        {
            Console.WriteLine($"{kind,-10}{0,6}  none here");
            return;
        }

        var originals = files.Select(File.ReadAllBytes).ToList();
        var (accepted, refused, booted, crashed) = (0, 0, 0, 0);
        var (slowest, most) = (0.0, 0L);
        var watch = Stopwatch.StartNew();
        for (var seed = 0; seed < count; seed++)
        {
            var random = new SeededRandom((ulong)seed);
            var data = mutate(originals[seed % originals.Count], random);
            _doing = $"{kind} {files[seed % originals.Count]}, seed {seed}";
            Interlocked.Exchange(ref _since, Stopwatch.GetTimestamp());
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            try
            {
                var board = read(data, seed);
                slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - bytes);
                if (board is not null && accepted++ % BootEvery == 0 && Boots(board))
                {
                    booted++;
                }

                accepted += board is null ? 1 : 0;
            }
            catch (Exception bad) when (bad is BoardFormatException or ScenarioException)
            {
                refused++;
                slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                most = Math.Max(most, GC.GetAllocatedBytesForCurrentThread() - bytes);
            }
#pragma warning disable CA1031 // Whatever it is: that is what is looked for.
            catch (Exception bad)
#pragma warning restore CA1031
            {
                crashed++;
                Console.WriteLine($"crash: {_doing}: {bad}");
            }
        }

        Console.WriteLine(
            $"{kind,-10}{files.Count,6}{count,11}{accepted,10}{refused,9}{booted,8}{crashed,9}{slowest,8:F1} ms{most / 1048576.0,12:F1} MiB{watch.Elapsed.TotalSeconds,9:F0}");
    }

    private static bool Boots(Board board)
    {
        try
        {
            var workload = BootWorkload.Create(new BootPlan { Board = board, Profile = ProfileCatalog.Find("linux-6.10")!, Transfers = 1 });
            var runtime = new DeterministicRuntime(workload, new RuntimeOptions { MaxSteps = 2_000_000 });
            var strategy = new RandomWalk(1);
            strategy.BeginSchedule(0);
            runtime.Run(strategy, 0);
            return true;
        }
        catch (BootPlanException)
        {
            return false;
        }
    }

    private static byte[] Table(byte[] original, SeededRandom random)
    {
        var data = Binary(original, random);
        if (data.Length >= 36 && random.Below(4) != 0)
        {
            if (random.Below(2) == 0)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), (uint)data.Length);
            }

            data[9] = 0;
            data[9] = (byte)((256 - (data.Sum(each => each) & 0xff)) & 0xff);
        }

        return data;
    }

    private static byte[] Binary(byte[] original, SeededRandom random)
    {
        // Every other one keeps its length, so that it reaches what is behind the frame.
        var data = new List<byte>(original);
        var kinds = random.OneIn(2) ? 4 : 8;
        for (var edits = 1 + random.Below(4); edits > 0 && data.Count > 8; edits--)
        {
            var at = random.Below(data.Count);
            switch (random.Below(kinds))
            {
                case 0:
                    data[at] ^= (byte)(1 << random.Below(8));
                    break;
                case 1:
                    data[at] = (byte)random.Below(256);
                    break;
                case 2:
                    Put(data, at, s_edges[random.Below(s_edges.Length)]);
                    break;
                case 3:
                    Put(data, at, (uint)random.Below(64));
                    break;
                case 4:
                    data.RemoveRange(at, Math.Min(1 + random.Below(16), data.Count - at));
                    break;
                case 5:
                    data.InsertRange(at, data.GetRange(at, Math.Min(4 * (1 + random.Below(16)), data.Count - at)));
                    break;
                case 6:
                    var from = random.Below(data.Count);
                    var length = Math.Min(Math.Min(1 + random.Below(64), data.Count - at), data.Count - from);
                    data.InsertRange(at, data.GetRange(from, length));
                    break;
                default:
                    data.RemoveRange(at, random.Below(10) == 0 ? data.Count - at : 1);
                    break;
            }
        }

        return [.. data];
    }

    private static readonly uint[] s_edges = [0, 1, 2, 3, 4, 9, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fffc, 0xd00d_feed, 0x0100_0000];

    private static void Put(List<byte> data, int at, uint word)
    {
        at &= ~3;
        for (var i = 0; i < 4 && at + i < data.Count; i++)
        {
            data[at + i] = (byte)((word >> (24 - (8 * i))) & 0xff);
        }
    }
}
