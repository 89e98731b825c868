using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Placement;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;
using ThreadStart = IommuCluster.Kernel.Memory.ThreadStart;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>A silo goes and takes a SoC, or a part of one, with it.</summary>
public sealed class LostSocTests : IAsyncLifetime
{
    private readonly LocalCluster _cluster = new(silos: 3);

    private ClusterRunner Runner => new(_cluster.Grains, _cluster.Registry, TimeProvider.System) { AskAfter = TimeSpan.FromMilliseconds(100) };

    public Task InitializeAsync() => _cluster.InitializeAsync();

    public Task DisposeAsync() => _cluster.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Boot_SocGoesWithItsSilo_IsToldAsLostAndRunsAgain(bool scatter)
    {
        var name = _cluster.NextName();
        var isUnderWay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var boot = Runner.BootAsync(Endless(isUnderWay), name, new BootOptions { Scatter = scatter });
        await isUnderWay.Task;

        await _cluster.StopSiloOfAsync(_cluster.Grains.Soc(scatter ? GrainKeys.Scattered(name) : name));

        await Assert.ThrowsAsync<BootLostException>(() => boot);
        Assert.Empty((await Runner.BootAsync(Programs.Of(async t => await t.Store(Box.At(0).X, 1UL)), _cluster.NextName())).Findings);
    }

    /// <summary>The SoC lives on and is asked; it asks its CPU, which comes to be again without its threads.</summary>
    [Fact]
    public async Task Boot_CpuGoesWithItsSilo_IsToldAsLost()
    {
        for (var boots = 0; boots < 20; boots++)
        {
            var name = GrainKeys.Scattered(_cluster.NextName());
            if (SocPlacementDirector.Choose($"{name}/soc", _cluster.Addresses).Equals(SocPlacementDirector.Choose($"{name}/cpu0", _cluster.Addresses)))
            {
                continue; // On one silo this time.
            }

            var isUnderWay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var boot = Runner.BootAsync(Endless(isUnderWay), name[..^1], new BootOptions { Scatter = true });
            await isUnderWay.Task;
            await _cluster.StopSiloOfAsync(_cluster.Grains.Cpu(name, 0));

            await Assert.ThrowsAsync<BootLostException>(() => boot);
            return;
        }

        Assert.Fail("SoC and CPU were on one silo twenty times: hashing does not spread.");
    }

    /// <summary>A thread that does not come back from between two steps.</summary>
    private static Workload Endless(TaskCompletionSource isUnderWay) => new("endless", Architecture.Arm64, [new Stage("endless", [new ThreadStart("endless", async _ =>
    {
        isUnderWay.TrySetResult();
        await new TaskCompletionSource().Task;
    })])]);
}
