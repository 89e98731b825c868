using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Sysfs;

/// <summary>
/// The machine that runs, as its Linux shows it: <c>/sys/firmware/acpi/tables</c> where ACPI is in use, else
/// <c>/sys/firmware/fdt</c>, and <c>/sys/kernel/iommu_groups</c>. Tables and tree can be read by root only.
/// </summary>
internal static class LiveMachine
{
    private const int MaxGroups = 65_536;
    private const int MaxDevices = 65_536;
    private const int LineBytes = 4_096;

    /// <summary>Reads the machine below a root.</summary>
    internal static Board Read(string root, Architecture? architecture, string? name, string? source, Action<BoardDiagnostic>? onWarning)
    {
        var tables = Path.Combine(root, "sys/firmware/acpi/tables");
        var tree = Path.Combine(root, "sys/firmware/fdt");
        source ??= Release(root) is { Length: > 0 } release ? $"a running machine, Linux {release}" : "a running machine";
        var board =
            Directory.Exists(tables) ? BoardReader.LoadAcpi([tables], name ?? "live", source, architecture, onWarning)
            : File.Exists(tree) ? ReadTree(tree, name, source, onWarning)
            : throw new DiagnosticBag(Path.Combine(root, "sys/firmware")).Fatal("neither a device tree nor ACPI tables", "run this on Linux with /sys mounted, or give the machine's files to import");
        return board with { LiveGroups = ReadGroups(Path.Combine(root, "sys/kernel/iommu_groups")) };
    }

    private static Board ReadTree(string tree, string? name, string source, Action<BoardDiagnostic>? onWarning)
    {
        var board = BoardReader.LoadDtb(tree, source, onWarning);
        var compatible = board.Compatible.IsEmpty ? "live" : board.Compatible[0];
        return board with { Name = name ?? compatible[(compatible.IndexOf(',', StringComparison.Ordinal) + 1)..] };
    }

    private static ImmutableArray<LiveGroup> ReadGroups(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }

        var groups = new SortedDictionary<int, LiveGroup>();
        var devices = 0;
        foreach (var path in Directory.EnumerateDirectories(directory).Take(MaxGroups))
        {
            if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                var members = DevicesOf(Path.Combine(path, "devices"), MaxDevices - devices);
                devices += members.Length;
                groups[number] = new LiveGroup(number, Line(Path.Combine(path, "type")), members);
            }
        }

        return [.. groups.Values];
    }

    private static ImmutableArray<string> DevicesOf(string directory, int limit) => Directory.Exists(directory)
        ? [.. Directory.EnumerateFileSystemEntries(directory).Take(limit).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
        : [];

    private static string Release(string root) => Line(Path.Combine(root, "proc/sys/kernel/osrelease"));

    /// <summary>The printable letters of a file's first line; empty when there is no such file.</summary>
    private static string Line(string path)
    {
        if (!File.Exists(path))
        {
            return "";
        }

        var bytes = BoundedFile.Read(path, LineBytes).AsSpan();
        var end = bytes.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        return Encoding.ASCII.GetString(end < 0 ? bytes : bytes[..end]).Trim();
    }
}
