using System.Runtime.CompilerServices;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Tests.Format;

/// <summary>Every scenario that ships can be read.</summary>
public sealed class ShippedScenarioTests
{
    private static ScenarioCatalog Catalog([CallerFilePath] string here = "") => ScenarioCatalog.Locate(Path.GetDirectoryName(here)!);

    public static TheoryData<string> Files => [.. Catalog().List().Select(pair => pair.File)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Load_ShippedScenario_IsCalledAsItsFile(string file)
    {
        var scenario = Catalog().Load(file);

        Assert.Equal(Path.GetFileNameWithoutExtension(file), scenario.Name);
        Assert.NotEmpty(scenario.Cases);
    }

    [Fact]
    public void List_ShippedScenarios_NamesAreUnique() =>
        Assert.Empty(Catalog().List().GroupBy(pair => pair.Name).Where(group => group.Count() > 1).Select(group => group.Key));
}
