using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace IommuCluster.Conventions.Tests;

public sealed partial class SourceFileTests
{
    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    public static TheoryData<string> Projects => [.. Directory.EnumerateDirectories(Path.Combine(Root(), "src")).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Namespace_OfFile_IsItsFolder(string project)
    {
        var folder = Path.Combine(Root(), "src", project);
        var strangers = from file in FilesOf(folder)
                        let declared = NamespaceOf(file)
                        where declared is not null
                        let wanted = string.Join('.', Path.GetRelativePath(Path.Combine(Root(), "src"), Path.GetDirectoryName(file)!).Split(Path.DirectorySeparatorChar))
                        where declared != wanted
                        select $"{Path.GetRelativePath(Root(), file)}: {declared}";

        Assert.Empty(strangers);
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Warnings_InProject_AreNotSilencedWithoutReason(string project)
    {
        var silenced = from file in FilesOf(Path.Combine(Root(), "src", project))
                       from line in File.ReadLines(file)
                       where line.Contains("#pragma warning disable", StringComparison.Ordinal) && !line.Contains("//", StringComparison.Ordinal)
                       select $"{Path.GetRelativePath(Root(), file)}: {line.Trim()}";

        Assert.Empty(silenced);
    }

    [Fact]
    public void Calls_InTheKernel_LastUntilTheirMethodEnds()
    {
        // A search over states forgets what a function saw when the flow after it answers: that must be the function's own.
        var odd = from file in FilesOf(Path.Combine(Root(), "src", "IommuCluster.Kernel"))
                  from line in File.ReadLines(file)
                  where line.Contains("t.Call(", StringComparison.Ordinal) && !line.TrimStart().StartsWith("using var frame = t.Call(", StringComparison.Ordinal)
                  select $"{Path.GetRelativePath(Root(), file)}: {line.Trim()}";

        Assert.Empty(odd);
    }

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"));

    private static string? NamespaceOf(string file) =>
        Declaration().Match(File.ReadAllText(file)) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
