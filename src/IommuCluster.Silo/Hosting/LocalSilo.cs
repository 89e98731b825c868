using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Silo.Hosting;

/// <summary>One silo in this process: localhost clustering, nothing kept.</summary>
public sealed class LocalSilo : IAsyncDisposable
{
    private readonly IHost _host;

    private LocalSilo(IHost host, BootRegistry registry)
    {
        _host = host;
        Instruments = registry.Instruments;
        Runner = new ClusterRunner(host.Services.GetRequiredService<IGrainFactory>(), registry, TimeProvider.System);
    }

    /// <summary>Boots SoCs on the silo.</summary>
    public ClusterRunner Runner { get; }

    /// <summary>What the silo tells of itself.</summary>
    public ClusterInstruments Instruments { get; }

    /// <summary>Starts a silo on ports that are free.</summary>
    /// <param name="log">Configures logging; null for none.</param>
    /// <param name="cancellation">Gives the start up.</param>
    /// <returns>The silo.</returns>
    public static async Task<LocalSilo> StartAsync(Action<ILoggingBuilder>? log = null, CancellationToken cancellation = default)
    {
        var registry = new BootRegistry();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        log?.Invoke(builder.Logging);
        var (siloPort, gatewayPort) = FreePorts.Two();
        builder.UseOrleans(silo => silo.UseLocalhostClustering(siloPort, gatewayPort).AddKernelGrains(registry));
        var host = builder.Build();
        await host.StartAsync(cancellation);
        return new LocalSilo(host, registry);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
