using System.Runtime.CompilerServices;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using Orleans.TestingHost;
using Interlocked = System.Threading.Interlocked;

namespace IommuCluster.Grains.Benchmarks;

/// <summary>Silos in this process, and what boots on them.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;
    private int _boots;

    private Cluster(short silos)
    {
        var registry = new BootRegistry();
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, silo) => silo.AddKernelGrains(registry));
        _cluster = builder.Build();
        Registry = registry;
    }

    public IGrainFactory Grains => _cluster.Client;

    public ClusterRunner Runner => new(Grains, Registry, TimeProvider.System);

    private BootRegistry Registry { get; }

    /// <summary>Starts a cluster.</summary>
    public static async Task<Cluster> StartAsync(short silos)
    {
        var cluster = new Cluster(silos);
        await cluster._cluster.DeployAsync();
        return cluster;
    }

    /// <summary>A name that no other boot has.</summary>
    public string NextName() => $"boot{Interlocked.Increment(ref _boots)}";

    /// <summary>A case of a shipped scenario.</summary>
    public static ScenarioCase Case(string scenario, string name) => new ScenarioCatalog(Folder()).Load(scenario).FindCase(name);

    /// <summary>Makes a case's workload anew.</summary>
    public static Workload Boot(ScenarioCase scenarioCase) => new CaseRunner(TimeProvider.System).Boot(scenarioCase);

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    private static string Folder([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "scenarios"));
}
