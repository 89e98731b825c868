using IommuCluster.Silo.Hosting;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Cluster;

/// <summary><c>serve</c>. Compiled only where Orleans can be restored.</summary>
internal static class ServeHost
{
    /// <summary>Serves until the process is asked to end.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> RunAsync(CliContext context, string? settings, string[] overrides, CancellationToken cancellation)
    {
        await SiloHost.RunAsync(new SettingsSources(settings, [.. overrides]), context.Out, cancellation);
        return ExitCodes.Fine;
    }
}
