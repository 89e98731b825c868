using IommuCluster.Grains.Boots;
using Orleans.TestingHost;

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

    internal LocalCluster(short silos)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, silo) => silo.AddKernelGrains(Registry));
        _cluster = builder.Build();
    }

    internal BootRegistry Registry { get; } = new();

    internal IGrainFactory Grains => _cluster.Client;

    internal ClusterRunner Runner => new(Grains, Registry, TimeProvider.System);

    /// <summary>A name that no other boot has.</summary>
    internal string NextName() => $"boot{System.Threading.Interlocked.Increment(ref _boots)}";

    public Task InitializeAsync() => _cluster.DeployAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();
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
