using System.Net;
using System.Net.Sockets;
using System.Text;
using IommuCluster.Silo.Hosting;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

namespace IommuCluster.Cli.Tests.Cluster;

/// <summary>A silo that serves in this process, as <c>serve</c> does it.</summary>
internal sealed class ServedCluster : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    private ServedCluster(Announcement announcement)
    {
        var (silo, gateway) = (FreePort(), FreePort());
        Gateway = $"127.0.0.1:{gateway}";
        _serving = SiloHost.RunAsync(
            new SettingsSources(null, [$"SiloPort={silo}", $"PrimaryPort={silo}", $"GatewayPort={gateway}", $"HttpUrl=http://127.0.0.1:{FreePort()}", $"ScenarioPlace={AppContext.BaseDirectory}"]),
            announcement,
            _stop.Token);
    }

    internal string Gateway { get; }

    internal static async Task<ServedCluster> StartAsync()
    {
        await using var announcement = new Announcement();
        var cluster = new ServedCluster(announcement);
        await await Task.WhenAny(announcement.Made, cluster._serving); // Which ends only if it could not start.
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _stop.Dispose();
    }

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Tells when the silo says that it serves.</summary>
    private sealed class Announcement : StringWriter
    {
        private readonly TaskCompletionSource _made = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Made => _made.Task;

        public override Encoding Encoding => Encoding.UTF8;

        public override Task WriteLineAsync(string? value)
        {
            _made.TrySetResult();
            return Task.CompletedTask;
        }
    }
}
