using System.Runtime.CompilerServices;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Verdicts;

/// <summary>Every data race of the modelled kernels is one that the kernel has; and what the catalogue claims can be seen.</summary>
public sealed class KnownRacesTests
{
    public static TheoryData<string> Scenarios => [.. ScenarioCatalog.Locate(Here()).List().Select(entry => entry.Name)];

    public static TheoryData<string> Eras => [.. ProfileCatalog.All.Select(profile => profile.Name)];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Race_OfAShippedScenario_IsKnownOfItsEra(string scenario)
    {
        foreach (var scenarioCase in ScenarioCatalog.Locate(Here()).Load(scenario).Cases)
        {
            Assert.Empty(Unexplained(scenarioCase, schedules: 200));
        }
    }

    [Theory]
    [MemberData(nameof(Eras))]
    public void Race_OfTwoRegistrationsAndABindInAnyEra_IsKnownOfIt(string era)
    {
        Assert.Empty(Unexplained(Shipped.Case("s21-fwspec-race", $"bug@{era}"), schedules: 1_000));
        Assert.Empty(Unexplained(Shipped.Case("s21-fwspec-race", $"two-devices@{era}"), schedules: 1_000));
    }

    [Fact]
    public void KnownRaces_EachOfThem_AreSeenInSomeEra()
    {
        string[] eras = ["linux-4.15", "linux-5.17", "linux-6.1-rc7", "linux-6.2", "linux-6.6", "linux-6.8"];
        var seen = eras.SelectMany(era => Races(Shipped.Case("s21-fwspec-race", $"two-devices@{era}"), schedules: 3_000).Select(judged => judged.Source)).ToHashSet();

        Assert.Empty(KnownRaces.All.Where(known => !seen.Contains(known.Source)).Select(known => known.Source));
    }

    [Fact]
    public void KnownRaces_OfAnEraThatMendedIt_LeaveItUnexplained()
    {
        var race = new Finding(FindingKind.DataRace, "DevIommuFree", "device", "iommu", "DevIommuGet", "data-race on device.iommu");

        Assert.StartsWith("R07", KnownRaces.Find(race, Era("linux-6.6"))?.Source);
        Assert.Null(KnownRaces.Find(race, Era("linux-6.8")));
    }

    [Theory]
    [InlineData("iommu", "DevIommuFree", "DevIommuGet", true)]
    [InlineData("iommu", "IommuDeinitDevice", "OfIommuConfigure", false)]
    [InlineData("iommu_group", "IommuGroupAddDevice", "IommuGroupGet", true)]
    [InlineData("iommu_group", "IommuDeinitDevice", "IommuGroupGet", false)]
    public void KnownRaces_OnAWord_AreThoseOfTheirWriters(string field, string one, string other, bool isKnown) =>
        Assert.Equal(isKnown, KnownRaces.Find(new Finding(FindingKind.DataRace, one, "device", field, other, "a race"), Era("linux-6.2")) is not null);

    [Fact]
    public void KnownRaces_ForAConsequenceOnTheSameField_SayNothing() =>
        Assert.Null(KnownRaces.Find(new Finding(FindingKind.UseAfterFree, "DevIommuFree", "device", "iommu", string.Empty, "use after free"), Era("linux-6.6")));

    private static IEnumerable<string> Unexplained(ScenarioCase scenarioCase, int schedules) =>
        Races(scenarioCase, schedules).Where(judged => judged.Standing != Standing.Known).Select(judged => $"{scenarioCase.Name}: {judged.Observed.Finding.Message}");

    private static IEnumerable<JudgedFinding> Races(ScenarioCase scenarioCase, int schedules)
    {
        var sampled = scenarioCase with { Explore = scenarioCase.Explore with { Strategy = StrategyCatalog.Portfolio, Schedules = schedules, ContextBound = null } };
        return Shipped.Run(sampled).Verdict.Findings.Where(judged => judged.Observed.Finding.IsRace);
    }

    private static Profile Era(string name) => ProfileCatalog.Find(name)!; // Named here.

    private static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
