using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>What another reader, dtc, makes of a device tree: the cells of each node's properties.</summary>
internal sealed partial class DtsText
{
    private readonly Dictionary<string, Dictionary<string, uint[]>> _nodes = new(StringComparer.Ordinal);

    private DtsText(string text)
    {
        var path = new Stack<string>();
        foreach (var line in text.Split('\n').Select(line => line.Trim()))
        {
            if (NodeStart().Match(line) is { Success: true } start)
            {
                path.Push(path.TryPeek(out var parent) ? $"{(parent == "/" ? "" : parent)}/{start.Groups[1].Value}" : "/");
                Order.Add(path.Peek());
                _nodes.Add(path.Peek(), []);
            }
            else if (line == "};")
            {
                path.Pop();
            }
            else if (CellList().Match(line) is { Success: true } list && path.TryPeek(out var node))
            {
                _nodes[node][list.Groups[1].Value] = [.. list.Groups[2].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Cell)];
            }
        }
    }

    internal List<string> Order { get; } = [];

    internal uint[] Cells(string path, string property) => _nodes[path].GetValueOrDefault(property, []);

    internal bool Has(string path, string property) => _nodes[path].ContainsKey(property);

    /// <summary>Runs dtc; null where there is none.</summary>
    internal static DtsText? Decompile(string dtb)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (directories.Select(directory => Path.Combine(directory, "dtc")).FirstOrDefault(File.Exists) is not { } dtc)
        {
            return null;
        }

        using var process = Process.Start(new ProcessStartInfo(dtc, ["-q", "-I", "dtb", "-O", "dts", dtb]) { RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException("dtc did not start");
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? new DtsText(text) : throw new InvalidOperationException($"dtc {dtb}: exit code {process.ExitCode}");
    }

    private static uint Cell(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? uint.Parse(text[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        : uint.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(\S+) \{$")]
    private static partial Regex NodeStart();

    [GeneratedRegex(@"^([^ =]+) = <([^>]*)>;$")]
    private static partial Regex CellList();
}
