using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using Orleans.Hosting;
using Orleans.TestingHost;
using ThreadStart = IommuCluster.Kernel.Memory.ThreadStart;

namespace IommuCluster.Grains.Tests.Support;

/// <summary>Silos in this process and a client, for all tests of a collection.</summary>
public class LocalCluster : IAsyncLifetime
{
    private readonly InProcessTestCluster _cluster;
    private int _boots;

    public LocalCluster()
        : this(silos: 1)
    {
    }

    internal LocalCluster(short silos, Action<ISiloBuilder>? configure = null)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddKernelGrains(Registry);
            configure?.Invoke(silo);
        });
        _cluster = builder.Build();
    }

    internal BootRegistry Registry { get; } = new();

    internal IGrainFactory Grains => _cluster.Client;

    internal ClusterRunner Runner => new(Grains, Registry, TimeProvider.System);

    /// <summary>A name that no other boot has.</summary>
    internal string NextName() => $"boot{System.Threading.Interlocked.Increment(ref _boots)}";

    /// <summary>Begins a boot that waits for ever, for tests that step its memory themselves.</summary>
    /// <returns>What the keys of its parts begin with.</returns>
    internal async Task<string> BeginIdleAsync(bool scatter = false)
    {
        var name = scatter ? GrainKeys.Scattered(NextName()) : NextName();
        var order = new BootOrder(null, string.Empty, name, Checkers: true, GoOnAfterOops: false, MaxSteps: 1_000);
        var body = new ThreadStart("idle", async _ => await new TaskCompletionSource().Task);
        Registry.Add(name, new Boot(new Workload("idle", Architecture.Arm64, [new Stage("idle", [body])]), order));
        return await Grains.Soc(name).BeginAsync(order, Grains.CreateObjectReference<IBootObserver>(new Deaf()));
    }

    /// <summary>The silos.</summary>
    internal IReadOnlyList<SiloAddress> Addresses => [.. _cluster.Silos.Select(silo => silo.SiloAddress)];

    /// <summary>Stops the silo that holds a grain; what the grain knew goes with it.</summary>
    internal async Task StopSiloOfAsync(IAddressable grain)
    {
        var place = await PlaceOfAsync(grain);
        await _cluster.StopSiloAsync(_cluster.Silos.First(silo => silo.SiloAddress.Equals(place)));
    }

    /// <summary>The silo that holds a grain, by what the silos themselves tell: a part of a SoC is in no directory.</summary>
    internal async Task<SiloAddress> PlaceOfAsync(IAddressable grain) =>
        Assert.Single(await Grains.GetGrain<IManagementGrain>(0).GetDetailedGrainStatistics(), each => each.GrainId == grain.GetGrainId()).SiloAddress;

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();
}

/// <summary>Hears of an end that does not matter.</summary>
internal sealed class Deaf : IBootObserver
{
    public ValueTask EndedAsync(BootReport report) => ValueTask.CompletedTask;

    public ValueTask RestsAsync() => ValueTask.CompletedTask;

    public ValueTask<bool> IsWantedAsync() => ValueTask.FromResult(true);

    public ValueTask AnsweredAsync(int ticket, OperationAnswer answer) => ValueTask.CompletedTask;
}

/// <summary>Three silos and a client.</summary>
public sealed class ThreeSilos() : LocalCluster(silos: 3);

[CollectionDefinition(Name)]
public sealed class ThreeSilosGroup : ICollectionFixture<ThreeSilos>
{
    public const string Name = "three silos";
}

[CollectionDefinition(Name)]
public sealed class ClusterGroup : ICollectionFixture<LocalCluster>
{
    public const string Name = "cluster";
}
