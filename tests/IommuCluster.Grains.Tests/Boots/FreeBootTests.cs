using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Checking;
using Xunit.Abstractions;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>Boots in which nothing decides but the concurrency of the cluster.</summary>
[Collection(ClusterGroup.Name)]
public sealed class FreeBootTests(LocalCluster cluster, ITestOutputHelper output)
{
    [Fact]
    public async Task Boot_BugProfile_BreaksDevIommu()
    {
        const int Bound = 2000;
        for (var boot = 0; boot < Bound; boot++)
        {
            var seen = await cluster.Runner.BootAsync(S21.Racing("linux-6.6"), cluster.NextName());
            if (seen.Findings.Any(IsAboutDevIommu))
            {
                output.WriteLine($"boot {boot}: {string.Join(" | ", seen.Findings.Select(finding => finding.Message))}");
                Assert.Equal(ScheduleEnd.Oopsed, seen.End);
                return;
            }
        }

        Assert.Fail($"{Bound} boots, and none broke.");
    }

    [Fact]
    public async Task Boot_FixProfile_LeavesDevIommuAlone()
    {
        for (var boot = 0; boot < 200; boot++)
        {
            var seen = await cluster.Runner.BootAsync(S21.Racing("linux-6.8"), cluster.NextName());

            Assert.DoesNotContain(seen.Findings, IsAboutDevIommu);
        }
    }

    [Theory]
    [InlineData("linux-6.6")]
    [InlineData("linux-6.8")]
    public async Task Boot_BuiltInAndSynchronous_IsClean(string profile)
    {
        var seen = await cluster.Runner.BootAsync(S21.Synchronous(profile), cluster.NextName());

        Assert.Equal(ScheduleEnd.Completed, seen.End);
        Assert.Empty(seen.Findings);
    }

    private static bool IsAboutDevIommu(Finding finding) =>
        finding.ObjectType is "dev_iommu" or "iommu_fwspec"
        && finding.Kind is FindingKind.UseAfterFree or FindingKind.NullDereference or FindingKind.DoubleFree;
}
