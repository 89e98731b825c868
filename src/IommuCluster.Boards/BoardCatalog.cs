using System.Collections.Immutable;
using IommuCluster.Boards.Acpi;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards;

/// <summary>Boards by name: the files of one directory, <c>NAME.yaml</c> each, and <c>NAME.dtb</c> that a user puts beside them.</summary>
/// <param name="directory">The directory; null for a catalog that knows files only.</param>
public sealed class BoardCatalog(string? directory)
{
    private static readonly string[] s_extensions = [".yaml", ".yml", ".dtb"];

    /// <summary>The directory the boards are in, or null when there is none.</summary>
    public string? Directory => directory;

    /// <summary>True to know no files but those of the directory, as is due to names that come over a network.</summary>
    public bool NamesOnly { get; init; }

    /// <summary>
    /// The catalog in the nearest <c>scenarios/boards</c> (or <c>boards</c>, for a scenario beside it), walking up from
    /// each of some places in turn: usually the scenario's file, the current directory, the program's own directory.
    /// </summary>
    /// <param name="places">Files or directories to walk up from; the first that leads to a catalog counts.</param>
    public static BoardCatalog Locate(params IEnumerable<string> places)
    {
        ArgumentNullException.ThrowIfNull(places);
        var found = places
            .SelectMany(SelfAndParents)
            .SelectMany(place => new[] { Path.Combine(place, "scenarios", "boards"), Path.Combine(place, "boards") })
            .FirstOrDefault(place => System.IO.Directory.Exists(place) && System.IO.Directory.EnumerateFiles(place, "*.yaml").Any());
        return new BoardCatalog(found);
    }

    /// <summary>The boards of the directory, by name; empty when there is none. A name is listed once, YAML before device tree.</summary>
    public ImmutableArray<BoardCatalogEntry> List() => directory is null || !System.IO.Directory.Exists(directory)
        ? []
        :
        [
            .. System.IO.Directory.EnumerateFiles(directory)
                .Where(path => s_extensions.Contains(Path.GetExtension(path), StringComparer.Ordinal))
                .OrderBy(Path.GetFileNameWithoutExtension, StringComparer.Ordinal)
                .ThenBy(path => Array.IndexOf(s_extensions, Path.GetExtension(path)))
                .Select(path => new BoardCatalogEntry(Path.GetFileNameWithoutExtension(path), path))
                .DistinctBy(entry => entry.Name, StringComparer.Ordinal),
        ];

    /// <summary>Reads a board.</summary>
    /// <param name="nameOrPath">A name of <see cref="List"/>, or the path of a <c>.yaml</c> or <c>.dtb</c> file, or of an ACPI table.</param>
    /// <param name="onWarning">Receives what is odd in a device tree but does not hinder; null drops it.</param>
    /// <returns>The board.</returns>
    /// <exception cref="BoardFormatException">There is no such board, or its file is no good.</exception>
    public Board Load(string nameOrPath, Action<BoardDiagnostic>? onWarning = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        var path = Find(nameOrPath) ?? throw NotFound(nameOrPath);
        return BoardReader.Load(path, onWarning);
    }

    /// <summary>The file of a board, or null when there is none. A file of that path wins over a name.</summary>
    /// <param name="nameOrPath">A name of <see cref="List"/>, or a path.</param>
    public string? Find(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        return LooksLikePath(nameOrPath) || (!NamesOnly && AcpiBoardReader.IsTable(nameOrPath))
            ? File.Exists(nameOrPath) ? nameOrPath : null
            : List().FirstOrDefault(entry => entry.Name.Equals(nameOrPath, StringComparison.Ordinal))?.Path;
    }

    private bool LooksLikePath(string text) =>
        !NamesOnly
        && (text.Contains('/', StringComparison.Ordinal) || text.Contains('\\', StringComparison.Ordinal)
            || s_extensions.Contains(Path.GetExtension(text), StringComparer.Ordinal));

    private static IEnumerable<string> SelfAndParents(string place)
    {
        for (var at = Path.GetFullPath(place); at is not null; at = Path.GetDirectoryName(at))
        {
            yield return at;
        }
    }

    private BoardFormatException NotFound(string nameOrPath)
    {
        var names = List().Select(entry => entry.Name).ToList();
        var remedy = LooksLikePath(nameOrPath) ? "give the path of a .yaml or .dtb file"
            : Nearest.To(nameOrPath, names) is { } near ? $"did you mean '{near}'?"
            : NamesOnly ? $"known are {string.Join(", ", names)}"
            : names.Count > 0 ? $"known are {string.Join(", ", names)}; or give the path of a .yaml or .dtb file"
            : "no directory scenarios/boards was found: give the path of a .yaml or .dtb file";
        return new BoardFormatException([new BoardDiagnostic(nameOrPath, LooksLikePath(nameOrPath) ? "no such file" : "no such board", remedy)]);
    }
}
