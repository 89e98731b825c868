using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Tests.Issues;

/// <summary>
/// R07: a registration walk frees the fwspec that a driver's bind is making.
/// <code>
/// CPU0 (bind)                          CPU1 (iommu_device_register)
/// ----                                 ----
/// of_iommu_configure()
///   iommu_fwspec_init()
///     dev->iommu = kzalloc()
///                                      probe_iommu_group()
///                                        ->probe_device() = -ENODEV
///                                        dev_iommu_free(): dev->iommu = NULL
///     dev->iommu->fwspec = ...
/// </code>
/// </summary>
public sealed class S21FwspecRaceTests
{
    private const string Scenario = "s21-fwspec-race";

    [Fact]
    public void FwspecRace_OnLinux66_IsFoundWithinTenThousandSchedulesForTwentySeeds()
    {
        var bug = Shipped.Case(Scenario, "bug");
        for (var seed = 1UL; seed <= 20; seed++)
        {
            // Small budgets first: the seed's first finding usually comes within a few dozen schedules.
            Assert.True(IsFound(bug, seed, 200) || IsFound(bug, seed, 10_000), $"seed {seed}");
        }
    }

    [Fact]
    public void FwspecRace_OnLinux68_IsGoneAndWhatRemainsIsNamed()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "fix"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected);
        Assert.DoesNotContain(result.Seen.Consequences, IsAboutItsLife);
        Assert.Contains(result.Seen.Consequences, each => each.Finding.Kind == FindingKind.ContextFault); // R17
    }

    [Fact]
    public void FwspecRace_OfOneDeviceOnLinux68_IsGoneInEveryInterleaving()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "exhausted"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected);
        Assert.Equal(Coverage.Exhausted, result.Seen.Coverage);
        Assert.DoesNotContain(result.Seen.Consequences, IsAboutItsLife);
    }

    [Fact]
    public void FwspecRace_OfOneDeviceOnLinux66_IsKnownInAllItsForms()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "exhausted-bug"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected, string.Join("; ", result.Verdict.Reasons));
        Assert.Equal(Coverage.Exhausted, result.Seen.Coverage);
    }

    [Fact]
    public void FwspecRace_OfTwoDevicesOnLinux68_IsGoneWithAtMostOnePreemption()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "two-devices"));

        Assert.True(result.Verdict.Outcome == Outcome.AsExpected, string.Join("; ", result.Verdict.Reasons));
        Assert.Equal(1, result.Seen.ContextBound);
        Assert.DoesNotContain(result.Seen.Consequences, IsAboutItsLife);
    }

    [Fact]
    public void FwspecRace_WithEverythingBuiltInAndSynchronous_CannotHappen()
    {
        var result = Shipped.Run(Shipped.Case(Scenario, "built-in"));

        Assert.Equal(Coverage.Exhausted, result.Seen.Coverage);
        Assert.Empty(result.Seen.Consequences);
        Assert.Empty(result.Seen.Races);
    }

    [Theory]
    [InlineData("bug")]
    [InlineData("fix")]
    public void Races_OfBothEras_AreOnesThatTheKernelHas(string name)
    {
        var found = Shipped.Case(Scenario, name);
        var result = Shipped.Run(found with { Explore = found.Explore with { Strategy = StrategyCatalog.Portfolio, Schedules = 2_000 } });

        Assert.NotEmpty(result.Seen.Races);
        Assert.DoesNotContain(result.Verdict.Findings, judged => judged.Observed.Finding.IsRace && judged.Standing != Standing.Known);
    }

    private static bool IsFound(ScenarioCase bug, ulong seed, long schedules) =>
        Shipped.Run(bug with { Explore = bug.Explore with { Seed = seed, Schedules = schedules } }).Seen.Consequences.Any(IsAboutItsLife);

    private static bool IsAboutItsLife(ObservedFinding each) =>
        each.Finding.Kind is FindingKind.UseAfterFree or FindingKind.NullDereference or FindingKind.DoubleFree
        && each.Finding.ObjectType is "dev_iommu" or "iommu_fwspec";
}
