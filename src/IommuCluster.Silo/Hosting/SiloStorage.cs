using System.Net;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Boots;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Running;
using IommuCluster.Silo.Runs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;

namespace IommuCluster.Silo.Hosting;

/// <summary>Where silos find each other and keep what must outlive them.</summary>
internal static class SiloStorage
{
    /// <summary>Name of the storage of runs.</summary>
    public const string Name = "runs";

    private const string Invariant = "Npgsql";

    /// <summary>Makes a silo one of the cluster that the settings name.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="settings">The settings.</param>
    /// <returns>The silo.</returns>
    public static ISiloBuilder UseSettings(this ISiloBuilder silo, SiloSettings settings) =>
        silo.UseMembership(settings).Configure<ClusterMembershipOptions>(options => options.ProbeTimeout = TimeSpan.FromSeconds(settings.ProbeSeconds));

    private static ISiloBuilder UseMembership(this ISiloBuilder silo, SiloSettings settings) => settings.Clustering switch
    {
        Clustering.Localhost => silo
            .UseLocalhostClustering(settings.SiloPort, settings.GatewayPort, new IPEndPoint(IPAddress.Loopback, settings.PrimaryPort), settings.ServiceId, settings.ClusterId)
            .AddMemoryGrainStorage(Name),
        Clustering.AdoNet => silo.UseDatabase(settings),
        _ => throw new System.Diagnostics.UnreachableException($"No clustering {settings.Clustering}."),
    };

    /// <summary>Makes a silo do runs.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="orders">The scenarios that it has.</param>
    /// <returns>The silo.</returns>
    public static ISiloBuilder AddRuns(this ISiloBuilder silo, OrderReader orders)
    {
        var workloads = new WorkloadSource(orders, new CaseRunner(TimeProvider.System));
        var registry = new BootRegistry(workloads);
        silo.AddKernelGrains(registry);
        silo.Services.AddSingleton(orders);
        silo.Services.AddSingleton(workloads);
        silo.Services.AddSingleton(registry.Instruments);
        silo.Services.AddSingleton<ExplorationInstruments>();
        silo.Services.AddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(services => new ClusterRunner(services.GetRequiredService<IGrainFactory>(), registry, TimeProvider.System));
        silo.Services.AddSingleton<SliceRunner>();
        silo.Services.AddSingleton<FindingText>();
        silo.Services.AddHostedService<RunKeeper>();
        return silo;
    }

    private static ISiloBuilder UseDatabase(this ISiloBuilder silo, SiloSettings settings)
    {
        silo.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (settings.ClusterId, settings.ServiceId));
        silo.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (Invariant, settings.ConnectionString));
        silo.Services.AddOptions<AdoNetGrainStorageOptions>(Name).Configure<Serializer>((options, serializer) =>
            options.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer)); // The same ids as on the wire, none of them used again.
        silo.AddAdoNetGrainStorage(Name, options => (options.Invariant, options.ConnectionString) = (Invariant, settings.ConnectionString));
        return settings.AdvertisedAddress.Length > 0
            ? silo.ConfigureEndpoints(IPAddress.Parse(settings.AdvertisedAddress), settings.SiloPort, settings.GatewayPort)
            : silo.ConfigureEndpoints(settings.SiloPort, settings.GatewayPort, listenOnAnyHostAddress: true);
    }
}
