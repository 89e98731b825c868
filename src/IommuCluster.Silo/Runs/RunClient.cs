using System.Collections.Immutable;
using System.Net;
using System.Runtime.CompilerServices;
using IommuCluster.Grains.Messaging;
using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using CancellationToken = System.Threading.CancellationToken;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

namespace IommuCluster.Silo.Runs;

/// <summary>Orders and watches runs of a cluster: one that runs elsewhere, or silos of this process.</summary>
public sealed class RunClient : IAsyncDisposable
{
    /// <summary>SoCs of a slice that boot at the same time.</summary>
    public const int SocsAtOnce = RunLedger.SocsAtOnce;

    /// <summary>A run whose silo was lost answers again when another one has it; no answer for so long says that the cluster is gone.</summary>
    private const int MaxSilentAsks = 60;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly ImmutableArray<IHost> _hosts;

    private RunClient(params ImmutableArray<IHost> hosts) => _hosts = hosts;

    private IGrainFactory Grains => _hosts[0].Services.GetRequiredService<IGrainFactory>();

    /// <summary>Starts silos in this process, on ports that are free; what they keep is gone with them.</summary>
    /// <param name="silos">How many, at least 1.</param>
    /// <param name="places">Directories from which <c>scenarios/</c> is looked for, upwards.</param>
    /// <param name="slicesAtOnce">Slices of a run that they do at the same time.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The client, which ends the silos when it is disposed.</returns>
    public static async Task<RunClient> StartAsync(int silos, IEnumerable<string> places, int slicesAtOnce, CancellationToken cancellation = default)
    {
        var orders = OrderReader.Locate([.. places]);
        var hosts = ImmutableArray.CreateBuilder<IHost>();
        var primary = 0;
        for (var number = 0; number < silos; number++)
        {
            var (siloPort, gatewayPort) = FreePorts.Two();
            primary = number == 0 ? siloPort : primary;
            var settings = new SiloSettings { SiloPort = siloPort, GatewayPort = gatewayPort, PrimaryPort = primary, SlicesAtOnce = slicesAtOnce };
            var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            builder.Services.AddSingleton(settings);
            builder.UseOrleans(silo => silo.UseSettings(settings).AddRuns(orders));
            hosts.Add(builder.Build());
            await hosts[^1].StartAsync(cancellation);
        }

        return new RunClient(hosts.DrainToImmutable());
    }

    /// <summary>Connects to the gateways of a cluster.</summary>
    /// <param name="gateways"><c>HOST:PORT</c> of a gateway, or several with commas.</param>
    /// <param name="settings">Where the ids of cluster and service come from.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The client.</returns>
    /// <exception cref="ScenarioException">That is no address, or no gateway of such a cluster answers there.</exception>
    public static async Task<RunClient> ConnectAsync(string gateways, SettingsSources settings, CancellationToken cancellation = default)
    {
        var ids = SettingsReader.Read(settings.Load());
        var endpoints = await Task.WhenAll(gateways.Split(',').Select(each => ResolveAsync(each, cancellation)));
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleansClient(client => client
            .UseStaticClustering(endpoints)
            .Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (ids.ClusterId, ids.ServiceId))
            .Configure<ConnectionOptions>(options => options.OpenConnectionTimeout = s_patience)); // A machine that is busy with SoCs answers late; one without a gateway refuses at once.
        var host = builder.Build();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        try
        {
            await host.StartAsync(patience.Token);
        }
        catch (Exception refused) when (!cancellation.IsCancellationRequested && refused is OrleansException or OperationCanceledException or TimeoutException)
        {
            host.Dispose();
            throw new ScenarioException(gateways, $"no gateway of cluster '{ids.ClusterId}' answers there", "give HOST:PORT with the GatewayPort of a silo, and the cluster's ClusterId in appsettings.json or IommuCluster__ClusterId");
        }

        return new RunClient(host);
    }

    /// <summary>Orders a run.</summary>
    /// <param name="order">What to run.</param>
    /// <returns>The run's id.</returns>
    /// <exception cref="ScenarioException">The cluster refuses the order, or does not answer.</exception>
    public async Task<string> SubmitAsync(RunOrder order)
    {
        RunTicket ticket;
        try
        {
            ticket = await Grains.GetGrain<IRunIndexGrain>(0).SubmitAsync(order);
        }
        catch (Exception away) when (away is OrleansException or TimeoutException)
        {
            throw Silent(away);
        }

        return ticket.Id ?? throw new ScenarioException([.. ticket.Errors.Select(error => new Boards.BoardDiagnostic("the cluster refuses the order", error, "mend it and send it again"))]);
    }

    /// <summary>Watches a run.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellation">Ends the watch, not the run.</param>
    /// <returns>Its status whenever it has changed, through the loss of silos; the last one is that of a run that is over.</returns>
    /// <exception cref="ScenarioException">No silo answers any more.</exception>
    public async IAsyncEnumerable<RunStatus> WatchAsync(string id, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var run = Grains.GetGrain<IRunGrain>(id);
        for (var known = -1L; await AskAsync(run, known, cancellation) is { } status; known = status.Version)
        {
            if (status.Version != known)
            {
                yield return status;
            }

            if (status.IsOver)
            {
                yield break;
            }
        }
    }

    /// <summary>Asks a run to stop.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>Completes when it was told.</returns>
    public Task StopAsync(string id) => Grains.GetGrain<IRunGrain>(id).StopAsync();

    /// <summary>Measures how fast grains of the cluster that do nothing answer each other: what grain steps are held against.</summary>
    /// <returns>Pings a second, and the CPU time of this process for one, in microseconds, which tells something where the silos are in it.</returns>
    public Task<(double PerSecond, double CpuMicroseconds)> PingAsync() => Pings.MeasureAsync(Grains, TimeProvider.System);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts.Reverse()) // The first one has the list of silos.
        {
            await host.StopAsync();
            host.Dispose();
        }
    }

    private static async Task<RunStatus?> AskAsync(IRunGrain run, long known, CancellationToken cancellation)
    {
        for (var silent = 0; ; silent++)
        {
            try
            {
                return await run.WatchAsync(known).WaitAsync(cancellation);
            }
            catch (Exception away) when (away is OrleansException or TimeoutException)
            {
                if (silent == MaxSilentAsks)
                {
                    throw Silent(away);
                }

                await Task.Delay(s_pause, cancellation);
            }
        }
    }

    private static ScenarioException Silent(Exception away) =>
        new("the cluster", $"it does not answer: {away.Message}", "see to its silos; an order may have reached it all the same, which GET /api/runs of a silo tells");

    private static async Task<IPEndPoint> ResolveAsync(string text, CancellationToken cancellation)
    {
        var at = text.LastIndexOf(':');
        if (at <= 0 || !ushort.TryParse(text[(at + 1)..], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            throw new ScenarioException(text, "no HOST:PORT", "give the address of a silo and its GatewayPort, as in 127.0.0.1:30000");
        }

        try
        {
            return new IPEndPoint((await Dns.GetHostAddressesAsync(text[..at].Trim('[', ']'), cancellation))[0], port);
        }
        catch (System.Net.Sockets.SocketException unknown)
        {
            throw new ScenarioException(text, unknown.Message, "give the name or address of a silo");
        }
    }
}
