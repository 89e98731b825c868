using IommuCluster.Boards.Acpi;
using IommuCluster.Boards.Dtb;
using IommuCluster.Boards.Sysfs;
using IommuCluster.Boards.Yaml;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards;

/// <summary>
/// Reads boards. Every method throws <see cref="BoardFormatException"/>, with everything that is wrong, when the input
/// is no good or its file cannot be read, and never anything else because of what the input says.
/// </summary>
public static class BoardReader
{
    /// <summary>Reads a file of any form: <c>.yaml</c> and <c>.yml</c> are ours, what starts as an ACPI table with IOMMUs is one, everything else is a device tree.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder; null drops it.</param>
    public static Board Load(string path, Action<BoardDiagnostic>? onWarning = null) =>
        IsYaml(path) ? LoadYaml(path)
        : AcpiBoardReader.IsTable(path) ? LoadAcpi([path], onWarning: onWarning)
        : LoadDtb(path, onWarning: onWarning);

    /// <summary>Whether a path is that of ACPI tables: a directory, or a file that starts as an ACPI table with IOMMUs.</summary>
    /// <param name="path">The path.</param>
    /// <returns>True for those; false for what is not there, too.</returns>
    public static bool IsAcpi(string path) => Directory.Exists(path) || AcpiBoardReader.IsTable(path);

    /// <summary>Reads the ACPI tables of one machine: IORT, VIOT, DMAR, IVRS, and APIC for the architecture.</summary>
    /// <param name="paths">Files, one table each, 1 MiB at most; of a directory, all files in it that are such tables.</param>
    /// <param name="name">The board's short name; null takes the first path's.</param>
    /// <param name="source">Where the tables come from, for people; null takes the files' names.</param>
    /// <param name="architecture">The architecture; null for the one that the tables tell.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder; null drops it.</param>
    public static Board LoadAcpi(
        IReadOnlyList<string> paths, string? name = null, string? source = null, Architecture? architecture = null, Action<BoardDiagnostic>? onWarning = null) =>
        AcpiBoardReader.Load(paths, name, source, architecture, onWarning);

    /// <summary>Reads the ACPI tables of one machine from memory.</summary>
    /// <param name="tables">What diagnostics call each table, and its bytes.</param>
    /// <param name="name">The board's short name.</param>
    /// <param name="source">Where the tables come from, for people.</param>
    /// <param name="architecture">The architecture; null for the one that the tables tell.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder; null drops it.</param>
    public static Board LoadAcpi(
        IReadOnlyList<(string File, ReadOnlyMemory<byte> Data)> tables, string name, string source, Architecture? architecture = null, Action<BoardDiagnostic>? onWarning = null) =>
        AcpiBoardReader.Read(tables, name, source, architecture, onWarning);

    /// <summary>Reads the machine that runs: its device tree or ACPI tables, and the IOMMU groups that its Linux has made.</summary>
    /// <param name="root">Root of its file system; <c>/</c> for the machine itself.</param>
    /// <param name="architecture">The architecture where ACPI tables do not tell it.</param>
    /// <param name="name">The board's short name; null takes the first <c>compatible</c>, or <c>live</c>.</param>
    /// <param name="source">For people; null says which Linux was running.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder; null drops it.</param>
    public static Board LoadLive(
        string root, Architecture? architecture = null, string? name = null, string? source = null, Action<BoardDiagnostic>? onWarning = null) =>
        LiveMachine.Read(root, architecture, name, source, onWarning);

    /// <summary>Reads a flattened device tree. The board is called as the file is, without extension.</summary>
    /// <param name="path">The file, 4 MiB at most.</param>
    /// <param name="source">Where the file comes from, for people (package, kernel release); null takes the file's name.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder (a supplier list the kernel would pass over); null drops it.</param>
    public static Board LoadDtb(string path, string? source = null, Action<BoardDiagnostic>? onWarning = null)
    {
        var data = BoundedFile.Read(path, DtbLimits.FileBytes);
        return LoadDtb(data, Path.GetFileNameWithoutExtension(path), source ?? Path.GetFileName(path), path, onWarning);
    }

    /// <summary>Reads a flattened device tree from memory.</summary>
    /// <param name="data">The tree, 4 MiB at most; bytes behind its end are passed over.</param>
    /// <param name="name">The board's short name.</param>
    /// <param name="source">Where it comes from, for people.</param>
    /// <param name="file">What diagnostics call the input; null takes <paramref name="name"/>.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder; null drops it.</param>
    public static Board LoadDtb(
        ReadOnlyMemory<byte> data, string name, string source, string? file = null, Action<BoardDiagnostic>? onWarning = null)
    {
        var bag = new DiagnosticBag(file ?? name);
        var board = DtbBoard.Convert(DtbReader.Read(data, bag), name, source, bag);
        bag.ThrowIfErrors();
        foreach (var warning in bag.Warnings)
        {
            onWarning?.Invoke(warning);
        }

        return board;
    }

    /// <summary>Reads a board in our YAML form.</summary>
    /// <param name="path">The file, 4 MiB at most.</param>
    public static Board LoadYaml(string path) => ParseYaml(BoundedFile.ReadText(path, DtbLimits.FileBytes), path);

    /// <summary>Reads a board in our YAML form from memory.</summary>
    /// <param name="text">The text.</param>
    /// <param name="file">What diagnostics call the input.</param>
    public static Board ParseYaml(string text, string file) => BoardYamlReader.Read(text, file);

    internal static bool IsYaml(string path) => Path.GetExtension(path) is ".yaml" or ".yml";
}
