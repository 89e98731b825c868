using System.Collections.Immutable;
using IommuCluster.Boards;

namespace IommuCluster.Scenarios.Format;

/// <summary>Scenarios by path, or by name under the nearest <c>scenarios/</c>.</summary>
/// <param name="directory">The directory; null for a catalog that knows files only.</param>
public sealed class ScenarioCatalog(string? directory)
{
    /// <summary>Half a mebibyte; no scenario is that large.</summary>
    private const int FileBytes = 512 * 1024;

    /// <summary>The directory the scenarios are in, or null when there is none.</summary>
    public string? Directory => directory;

    /// <summary>The catalog in the nearest <c>scenarios</c>, walking up from each of some places in turn.</summary>
    /// <param name="places">Directories to walk up from; the first that leads to a catalog counts.</param>
    /// <returns>The catalog; one that knows files only when there is no such directory.</returns>
    public static ScenarioCatalog Locate(params IEnumerable<string> places) =>
        new(places.SelectMany(SelfAndParents).Select(place => Path.Combine(place, "scenarios")).FirstOrDefault(System.IO.Directory.Exists));

    /// <summary>The scenarios of the directory: name and file, by name.</summary>
    /// <returns>Empty when there is no directory.</returns>
    public ImmutableArray<(string Name, string File)> List() => directory is null ? [] :
    [
        .. System.IO.Directory.EnumerateFiles(directory, "*.yaml", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(directory, file).Replace('\\', '/').StartsWith("boards/", StringComparison.Ordinal))
            .Select(file => (Path.GetFileNameWithoutExtension(file), file))
            .OrderBy(pair => pair.Item1, StringComparer.Ordinal).ThenBy(pair => pair.file, StringComparer.Ordinal),
    ];

    /// <summary>True to know no files but those of the directory, as is due to names that come over a network.</summary>
    public bool NamesOnly { get; init; }

    /// <summary>Reads a scenario that came as text. Its board is one of those beside the catalog, by name: a stranger's text opens no file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">What it is called.</param>
    /// <returns>The scenario.</returns>
    /// <exception cref="ScenarioException">The text is no good.</exception>
    public Scenario Read(string text, string name) =>
        ScenarioReader.Read(text, name, name, new BoardCatalog(directory is null ? null : Path.Combine(directory, "boards")) { NamesOnly = true });

    /// <summary>Reads a scenario.</summary>
    /// <param name="nameOrPath">A name of <see cref="List"/>, the start of one that no other has, or the path of a file.</param>
    /// <returns>The scenario.</returns>
    /// <exception cref="ScenarioException">There is no such scenario, or its file is no good.</exception>
    public Scenario Load(string nameOrPath)
    {
        var (name, file) = Find(nameOrPath);
        try
        {
            var text = BoundedFile.ReadText(file, FileBytes);
            return ScenarioReader.Read(text, file, name, BoardCatalog.Locate(file, System.IO.Directory.GetCurrentDirectory(), AppContext.BaseDirectory));
        }
        catch (BoardFormatException bad)
        {
            throw new ScenarioException(bad.Diagnostics);
        }
    }

    private (string Name, string File) Find(string nameOrPath)
    {
        var all = List();
        if (!NamesOnly && File.Exists(nameOrPath))
        {
            var whole = Path.GetFullPath(nameOrPath);
            var listed = all.Where(pair => Path.GetFullPath(pair.File) == whole).Select(pair => pair.Name).FirstOrDefault();
            return (listed is not null && all.Count(pair => pair.Name == listed) == 1 ? listed : nameOrPath, nameOrPath);
        }

        var found = all.Where(pair => pair.Name == nameOrPath).ToList();
        if (found.Count == 0)
        {
            found = [.. all.Where(pair => pair.Name.StartsWith(nameOrPath, StringComparison.Ordinal) && nameOrPath.Length > 0)];
        }

        return found.Count switch
        {
            1 => found[0],
            0 => throw NotFound(nameOrPath, [.. all.Select(pair => pair.Name)]),
            _ => throw new ScenarioException(nameOrPath, "several scenarios are called so", $"give one of {string.Join(", ", found.Select(pair => pair.Name))}{(NamesOnly ? string.Empty : ", or a path")}"),
        };
    }

    private ScenarioException NotFound(string nameOrPath, List<string> names) => new(
        nameOrPath,
        "no such scenario",
        Nearest.To(nameOrPath, names) is { } near ? $"did you mean '{near}'?"
            : NamesOnly ? $"known are {string.Join(", ", names)}"
            : names.Count > 0 ? $"known are {string.Join(", ", names)}; or give the path of a .yaml file"
            : "no directory scenarios was found: give the path of a .yaml file");

    private static IEnumerable<string> SelfAndParents(string place)
    {
        for (var at = Path.GetFullPath(place); at is not null; at = Path.GetDirectoryName(at))
        {
            yield return at;
        }
    }
}
