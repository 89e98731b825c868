using System.Collections.Immutable;
using IommuCluster.Boards;
using IommuCluster.Scenarios.Format;
using Microsoft.Extensions.Configuration;

namespace IommuCluster.Silo.Hosting;

/// <summary>Where a silo's settings come from.</summary>
/// <param name="File">The settings file; null for the appsettings.json of the current directory, or the one beside the program.</param>
/// <param name="Overrides">Single settings, <c>KEY=VALUE</c>, that win over everything else.</param>
public sealed record SettingsSources(string? File, ImmutableArray<string> Overrides)
{
    private const string Default = "appsettings.json";

    /// <summary>Reads the file, then the environment (<c>IommuCluster__SiloPort</c>), then the overrides.</summary>
    /// <returns>The configuration, not yet checked.</returns>
    /// <exception cref="ScenarioException">The file cannot be read, or an override is none.</exception>
    public IConfigurationRoot Load()
    {
        var file = File ?? (System.IO.File.Exists(Default) ? Path.GetFullPath(Default) : Path.Combine(AppContext.BaseDirectory, Default));
        try
        {
            return new ConfigurationBuilder()
                .AddJsonFile(Path.GetFullPath(file), optional: File is null)
                .AddEnvironmentVariables()
                .AddInMemoryCollection(Overrides.Reverse().Select(Split).DistinctBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase)) // The last one counts.
                .Build();
        }
        catch (FileNotFoundException)
        {
            throw new ScenarioException(file, "no such file", "give the path of a settings file like the shipped appsettings.json");
        }
        catch (InvalidDataException bad)
        {
            throw new ScenarioException(file, bad.GetBaseException().Message.TrimEnd('.'), "write JSON like that of the shipped appsettings.json");
        }
    }

    private static KeyValuePair<string, string?> Split(string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        return at > 0
            ? new($"{SiloSettings.Section}:{text[..at]}", text[(at + 1)..])
            : throw new ScenarioException(text, "no setting", "write KEY=VALUE, as in SiloPort=11112");
    }
}
