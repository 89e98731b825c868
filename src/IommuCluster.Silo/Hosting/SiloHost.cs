using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Api;
using IommuCluster.Silo.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Silo.Hosting;

/// <summary>One process of the cluster: a silo and its HTTP API.</summary>
public static class SiloHost
{
    /// <summary>The largest request body, in bytes.</summary>
    private const long MaxBodyBytes = 1 << 20;

    /// <summary>Serves until the process is asked to end (SIGTERM, SIGINT); then what is under way is handed to the other silos.</summary>
    /// <param name="sources">Where the settings come from.</param>
    /// <param name="output">Hears once that the silo serves, and where.</param>
    /// <param name="cancellation">Ends it, too.</param>
    /// <returns>Completes when all is down.</returns>
    /// <exception cref="ScenarioException">Settings are wrong, a port is taken, or the database cannot be used.</exception>
    public static async Task RunAsync(SettingsSources sources, TextWriter output, CancellationToken cancellation = default)
    {
        var configuration = sources.Load();
        var settings = SettingsReader.Read(configuration);
        await Surroundings.CheckAsync(settings, cancellation);
        await using var host = Build(configuration, settings);
        await host.StartAsync(cancellation);
        await output.WriteLineAsync($"iommucluster: serving {host.Urls.First()}, silo {settings.SiloPort}, gateway {settings.GatewayPort}, cluster {settings.ClusterId} ({settings.Clustering.ToString().ToLowerInvariant()})");
        await output.FlushAsync(cancellation);
        await host.WaitForShutdownAsync(cancellation);
    }

    /// <summary>Builds the host.</summary>
    /// <param name="configuration">Logging is configured by it, too.</param>
    /// <param name="settings">The silo's settings.</param>
    /// <returns>The host, not started.</returns>
    internal static WebApplication Build(IConfiguration configuration, SiloSettings settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "iommucluster" });
        builder.Configuration.AddConfiguration(configuration);
        builder.Logging.AddConfiguration(configuration.GetSection("Logging")).AddConsole();
        builder.WebHost.UseKestrelCore().UseUrls(settings.HttpUrl).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
        });
        var places = settings.ScenarioPlace.Length > 0 ? [settings.ScenarioPlace] : new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory };
        builder.UseOrleans(silo => silo.UseSettings(settings).AddRuns(OrderReader.Locate(places)));
        builder.Services.AddSingleton(settings);
        builder.Services.AddRunApi(settings);
        var app = builder.Build();
        app.UseRunApi(settings);
        return app;
    }
}
