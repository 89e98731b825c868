using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Silo.Hosting;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>The silo that the command line starts.</summary>
public sealed class LocalSiloTests
{
    [Fact]
    public async Task Boot_OnLocalSilo_Completes()
    {
        await using var silo = await LocalSilo.StartAsync();

        Assert.Equal(ScheduleEnd.Completed, (await silo.Runner.BootAsync(S21.Synchronous("linux-6.6"), "free")).End);
        Assert.Equal(ScheduleEnd.Completed, (await silo.Runner.ReplayAsync(S21.Synchronous("linux-6.6"), "replayed", [Schedule.Default])).End);
    }
}
