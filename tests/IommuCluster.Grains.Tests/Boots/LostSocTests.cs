using System.Collections.Concurrent;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Placement;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;
using Orleans.Hosting;
using ThreadStart = IommuCluster.Kernel.Memory.ThreadStart;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>A silo goes and takes a SoC, or a part of one, with it.</summary>
public sealed class LostSocTests : IAsyncLifetime
{
    private readonly Witness _witness = new();
    private readonly LocalCluster _cluster;

    private ClusterRunner Runner => new(_cluster.Grains, _cluster.Registry, TimeProvider.System) { AskAfter = TimeSpan.FromMilliseconds(100) };

    public LostSocTests() => _cluster = new LocalCluster(silos: 3, silo => silo.AddIncomingGrainCallFilter(_witness));

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

    /// <summary>A dead silo knew in its part of the directory where the grain is: the cluster takes the activation down although its silo is well.</summary>
    [Theory]
    [InlineData("soc")]
    [InlineData("cpu0")]
    public async Task Boot_PartIsTakenDownBecauseOfTheDirectory_IsToldAsLostAndNotAsOurFault(string part)
    {
        var name = _cluster.NextName();
        var isUnderWay = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var boot = Runner.BootAsync(Endless(isUnderWay, goOn.Task), name);
        await isUnderWay.Task;

        var taken = _witness.Seen.Single(pair => GrainKeys.BootOf(pair.Key) == name && pair.Key.EndsWith($"/{part}", StringComparison.Ordinal)).Value;
        taken.Deactivate(new DeactivationReason(DeactivationReasonCode.DirectoryFailure, "its part of the directory is gone"));
        await taken.Deactivated;
        goOn.SetResult(); // What is left of the CPU would take another step now.

        await Assert.ThrowsAsync<BootLostException>(() => boot);
    }

    /// <summary>A thread that does not come back from between two steps.</summary>
    private static Workload Endless(TaskCompletionSource isUnderWay, Task? goesOn = null) => new("endless", Architecture.Arm64, [new Stage("endless", [new ThreadStart("endless", async t =>
    {
        isUnderWay.TrySetResult();
        await (goesOn ?? Task.Delay(System.Threading.Timeout.Infinite));
        await t.Lock(Box.At(0).A);
        await t.Lock(Box.At(0).B); // Teaches the graph of lock classes, by a message.
        await new TaskCompletionSource().Task;
    })])]);

    /// <summary>Remembers the activations that were called.</summary>
    private sealed class Witness : IIncomingGrainCallFilter
    {
        public ConcurrentDictionary<string, IGrainContext> Seen { get; } = new(StringComparer.Ordinal);

        public Task Invoke(IIncomingGrainCallContext context)
        {
            if (context.Grain is IGrainBase grain)
            {
                Seen[context.TargetId.Key.ToString()!] = grain.GrainContext; // Keys are strings.
            }

            return context.Invoke();
        }
    }
}
