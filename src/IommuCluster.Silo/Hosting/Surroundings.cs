using System.Net;
using System.Net.Sockets;
using IommuCluster.Scenarios.Format;
using Npgsql;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Silo.Hosting;

/// <summary>Looks, before a silo starts, whether it finds what it needs.</summary>
internal static class Surroundings
{
    /// <summary>Looks at ports and database.</summary>
    /// <param name="settings">The silo's settings.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Completes when all is there.</returns>
    /// <exception cref="ScenarioException">A port is taken, or the database cannot be used.</exception>
    public static async Task CheckAsync(SiloSettings settings, CancellationToken cancellation)
    {
        // A silo shares its port with whoever has it and takes the other's place in the cluster, so this must not be left to it.
        CheckPort(nameof(SiloSettings.SiloPort), settings.SiloPort);
        CheckPort(nameof(SiloSettings.GatewayPort), settings.GatewayPort);
        CheckPort(nameof(SiloSettings.HttpUrl), new Uri(settings.HttpUrl).Port);
        if (settings.Clustering == Clustering.AdoNet)
        {
            await CheckDatabaseAsync(settings.ConnectionString, cancellation);
        }
    }

    private static void CheckPort(string key, int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
        }
        catch (SocketException taken)
        {
            throw new ScenarioException(
                $"{SiloSettings.Section}:{key}",
                $"port {port}: {taken.Message.ToLowerInvariant()}",
                taken.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? "another silo may run here: give each its own (--set SiloPort=11112 --set GatewayPort=30001 --set HttpUrl=http://127.0.0.1:5081)"
                    : "give a port that this user may listen at");
        }
    }

    private static async Task CheckDatabaseAsync(string connectionString, CancellationToken cancellation)
    {
        try
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync(cancellation);
            await using var command = new NpgsqlCommand("SELECT count(*) FROM OrleansQuery WHERE QueryKey IN ('MembershipReadAllKey', 'CleanupDefunctSiloEntriesKey', 'WriteToStorageKey')", connection);
            if (await command.ExecuteScalarAsync(cancellation) is not 3L)
            {
                throw Unusable("OrleansQuery has no queries of membership or storage");
            }
        }
        catch (NpgsqlException failed)
        {
            throw Unusable(failed.Message.ReplaceLineEndings(" ").TrimEnd('.'));
        }
    }

    private static ScenarioException Unusable(string reason) => new(
        $"{SiloSettings.Section}:{nameof(SiloSettings.ConnectionString)}",
        $"the database cannot be used: {reason}",
        "see that it runs, that the user may log in, and that deploy/postgresql/*.sql were run in it");
}
