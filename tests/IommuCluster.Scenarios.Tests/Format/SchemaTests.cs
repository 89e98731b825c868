using System.Runtime.CompilerServices;
using System.Text.Json;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Tests.Format;

/// <summary>The schema and the reference page say what the reader knows.</summary>
public sealed class SchemaTests
{
    private static string File(string name, [CallerFilePath] string here = "") =>
        System.IO.File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "scenarios", name));

    private static string[] Words(JsonElement element) => [.. element.GetProperty("enum").EnumerateArray().Select(each => each.GetString()!).Order(StringComparer.Ordinal)];

    [Fact]
    public void Schema_Words_AreTheReaders()
    {
        using var schema = JsonDocument.Parse(File("scenario.schema.json"));
        var parts = schema.RootElement.GetProperty("$defs");
        var driver = parts.GetProperty("driver").GetProperty("properties");
        var explore = parts.GetProperty("explore").GetProperty("properties");

        Assert.Equal(ScenarioWords.Kinds.Keys.Order(StringComparer.Ordinal), Words(parts.GetProperty("kind")));
        Assert.Equal(ScenarioWords.FirmwareLinks.Keys.Order(StringComparer.Ordinal), Words(parts.GetProperty("firmware-links")));
        Assert.Equal(ScenarioWords.DeferredTimeouts.Keys.Order(StringComparer.Ordinal), Words(parts.GetProperty("deferred-timeout")));
        Assert.Equal(ScenarioWords.Races.Keys.Order(StringComparer.Ordinal), Words(parts.GetProperty("races")));
        Assert.Equal(ScenarioWords.Loads.Keys.Order(StringComparer.Ordinal), Words(driver.GetProperty("load")));
        Assert.Equal(ScenarioWords.Probes.Keys.Order(StringComparer.Ordinal), Words(driver.GetProperty("probe")));
        Assert.Equal(ScenarioWords.AfterOops.Keys.Order(StringComparer.Ordinal), Words(explore.GetProperty("after-oops")));
        Assert.Equal(ScenarioWords.Placement.Keys.Order(StringComparer.Ordinal), Words(explore.GetProperty("placement")));
        Assert.Equal(StrategyCatalog.Names.Order(StringComparer.Ordinal), Words(explore.GetProperty("strategy")));
    }

    [Fact]
    public void Reference_Page_HasEveryKeyAndKind()
    {
        using var schema = JsonDocument.Parse(File("scenario.schema.json"));
        var page = File("README.md");
        var keys = schema.RootElement.GetProperty("properties").EnumerateObject()
            .Concat(schema.RootElement.GetProperty("$defs").GetProperty("driver").GetProperty("properties").EnumerateObject())
            .Concat(schema.RootElement.GetProperty("$defs").GetProperty("explore").GetProperty("properties").EnumerateObject())
            .Select(property => property.Name);

        Assert.All(keys.Concat(ScenarioWords.Kinds.Keys), word => Assert.Contains($"`{word}`", page, StringComparison.Ordinal));
    }
}
