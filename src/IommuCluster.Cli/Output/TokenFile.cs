using IommuCluster.Scenarios.Format;

namespace IommuCluster.Cli.Output;

/// <summary>Tokens in files: comment lines with #, blank lines, and the token.</summary>
internal static class TokenFile
{
    private const int MaxBytes = 1 << 20;

    /// <summary>The token in a file, or the text itself when there is no such file.</summary>
    internal static string Read(string tokenOrFile)
    {
        if (!File.Exists(tokenOrFile))
        {
            return tokenOrFile.EndsWith(".schedule", StringComparison.Ordinal)
                ? throw new ScenarioException(tokenOrFile, "no such file", "give the path of a .schedule file, or a token")
                : tokenOrFile;
        }

        if (new FileInfo(tokenOrFile).Length > MaxBytes)
        {
            throw new ScenarioException(tokenOrFile, "more than a mebibyte", "no schedule is that long");
        }

        var lines = File.ReadAllLines(tokenOrFile).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').ToList();
        return lines.Count == 1
            ? lines[0]
            : throw new ScenarioException(tokenOrFile, $"{lines.Count} tokens", "a schedule file holds one token, and comment lines that start with #");
    }
}
