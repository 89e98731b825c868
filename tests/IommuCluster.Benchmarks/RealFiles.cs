namespace IommuCluster.Benchmarks;

/// <summary>Where benchmarks find real input: what ships always, device trees and ACPI tables where somebody has them.</summary>
internal static class RealFiles
{
    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The boards that ship.</summary>
    public static string Boards => Path.Combine(Root, "scenarios", "boards");

    /// <summary>The scenarios that ship.</summary>
    public static string Scenarios => Path.Combine(Root, "scenarios");

    /// <summary>Files below the directory that a variable of the environment names.</summary>
    /// <param name="variable">The variable; nothing is found when it is not set.</param>
    /// <param name="pattern">Which files.</param>
    /// <returns>Paths, in order.</returns>
    public static IReadOnlyList<string> Of(string variable, string pattern) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } directory && Directory.Exists(directory)
            ? [.. Directory.EnumerateFiles(directory, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal)]
            : [];

    private static string FindRoot()
    {
        var at = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(at, "Directory.Packages.props")))
        {
            at = Path.GetDirectoryName(at) ?? throw new InvalidOperationException("no Directory.Packages.props above the benchmarks");
        }

        return at;
    }
}
