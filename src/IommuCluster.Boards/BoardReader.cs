using IommuCluster.Boards.Dtb;
using IommuCluster.Boards.Yaml;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards;

/// <summary>
/// Reads boards. Every method throws <see cref="BoardFormatException"/>, with everything that is wrong, when the input
/// is no good, and never anything else because of what the input says; files that cannot be opened throw
/// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> as usual.
/// </summary>
public static class BoardReader
{
    /// <summary>Reads a file of either form: <c>.yaml</c> and <c>.yml</c> are ours, everything else is a device tree.</summary>
    /// <param name="path">The file.</param>
    /// <param name="onWarning">Receives what is odd but does not hinder; null drops it.</param>
    public static Board Load(string path, Action<BoardDiagnostic>? onWarning = null) =>
        IsYaml(path) ? LoadYaml(path) : LoadDtb(path, onWarning: onWarning);

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
