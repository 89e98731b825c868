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
        var (silo, gateway) = FreePorts.Two();
        Gateway = $"127.0.0.1:{gateway}";
        _serving = SiloHost.RunAsync(
            new SettingsSources(null, [$"SiloPort={silo}", $"PrimaryPort={silo}", $"GatewayPort={gateway}", $"HttpUrl=http://127.0.0.1:{FreePorts.One()}", $"ScenarioPlace={AppContext.BaseDirectory}"]),
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
