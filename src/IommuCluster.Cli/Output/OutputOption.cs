using IommuCluster.Scenarios.Format;

namespace IommuCluster.Cli.Output;

/// <summary>What <c>--output</c> names: a place that may be out of reach.</summary>
internal static class OutputOption
{
    /// <summary>Writes there.</summary>
    /// <param name="path">The option's value.</param>
    /// <param name="remedy">What would be right.</param>
    /// <param name="write">Writes.</param>
    /// <exception cref="ScenarioException">It cannot be written.</exception>
    internal static void Write(string path, string remedy, Action write)
    {
        try
        {
            write();
        }
        catch (Exception bad) when (bad is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ScenarioException($"--output {path}", bad.Message.TrimEnd('.'), remedy);
        }
    }
}
