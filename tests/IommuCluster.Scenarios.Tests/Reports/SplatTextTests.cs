using System.Runtime.CompilerServices;
using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Tests.Support;

namespace IommuCluster.Scenarios.Tests.Reports;

/// <summary>What people read of a finding, held against golden files; set IOMMUCLUSTER_UPDATE_GOLDEN=1 to write them anew, and review the difference.</summary>
public sealed class SplatTextTests
{
    [Fact]
    public void Write_DataRace_IsTheKcsanReportOfTheGoldenFile()
    {
        var bug = Shipped.Case("s21-fwspec-race", "exhausted-bug");
        var sampled = bug with { Explore = bug.Explore with { Strategy = "random", Schedules = 100 } };
        var race = Shipped.Run(sampled).Seen.Races.First(seen => seen.Finding is { Function: "DevIommuFree", Field: "iommu", Other: "DevIommuGet" });
        var report = new CaseRunner(TimeProvider.System).Report(sampled, race).Report;

        Assert.Equal(FindingKind.DataRace, report.Finding.Kind);
        AssertGolden("kcsan.txt", $"{SplatText.Write(report)}\n{ColumnTable.Write(report)}");
    }

    private static void AssertGolden(string name, string actual, [CallerFilePath] string here = "")
    {
        var golden = Path.Combine(Path.GetDirectoryName(here)!, "Golden", name);
        if (Environment.GetEnvironmentVariable("IOMMUCLUSTER_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(golden, actual);
        }

        Assert.Equal(File.ReadAllText(golden), actual);
    }
}
