using System.Diagnostics;
using System.Runtime.CompilerServices;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Tests.Support;
using Npgsql;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>A test that needs PostgreSQL's programs; skipped where they are not installed.</summary>
public sealed class PostgreSqlFactAttribute : FactAttribute
{
    public PostgreSqlFactAttribute() => Skip = PostgreSql.Programs is null ? "PostgreSQL is not installed here (no initdb and postgres on the path or under /usr/lib/postgresql)." : null;
}

/// <summary>A PostgreSQL server of the test's own: its own data, its own port, gone when the test is.</summary>
internal sealed class PostgreSql : IAsyncDisposable
{
    private readonly Process _server;
    private readonly string _data;
    private readonly int _port;

    private PostgreSql(Process server, string data, int port)
    {
        _server = server;
        _data = data;
        _port = port;
    }

    /// <summary>The directory of the programs, or null.</summary>
    internal static string? Programs { get; } = Places().FirstOrDefault(place => File.Exists(Path.Combine(place, "initdb")) && File.Exists(Path.Combine(place, "postgres")));

    internal string ConnectionString => $"Host=127.0.0.1;Port={_port};Database=postgres;Username=iommu";

    /// <summary>Starts a server with the tables of deploy/postgresql.</summary>
    internal static async Task<PostgreSql> StartAsync()
    {
        var data = Path.Combine(Path.GetTempPath(), $"iommucluster-pg-{Environment.ProcessId}-{FreePorts.One()}");
        await RunAsync("initdb", "-D", data, "-U", "iommu", "-A", "trust", "--no-sync");

        var port = FreePorts.One();
        var server = Start("postgres", "-D", data, "-p", $"{port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off");
        var started = new PostgreSql(server, data, port);
        await new Lines(server.StandardError).WaitForAsync("ready to accept connections");
        await started.CreateTablesAsync();
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await RunAsync("pg_ctl", "stop", "-D", _data, "-m", "immediate");
        await _server.WaitForExitAsync();
        _server.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private async Task CreateTablesAsync([CallerFilePath] string here = "")
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        foreach (var script in Directory.EnumerateFiles(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "deploy", "postgresql"), "*.sql").Order(StringComparer.Ordinal))
        {
            await using var command = new NpgsqlCommand(await File.ReadAllTextAsync(script), connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var running = Start(program, arguments);
        var (said, complained) = (running.StandardOutput.ReadToEndAsync(), running.StandardError.ReadToEndAsync());
        await running.WaitForExitAsync();
        Assert.True(running.ExitCode == 0, $"{program}: {await said}{await complained}");
    }

    /// <summary>Starts a program; PostgreSQL refuses to run as root, so then as the user that its package made.</summary>
    private static Process Start(string program, params string[] arguments)
    {
        string[] whole = Environment.IsPrivilegedProcess ? ["runuser", "-u", "postgres", "--", Path.Combine(Programs!, program), .. arguments] : [Path.Combine(Programs!, program), .. arguments]; // Only asked for where there are some.
        return Process.Start(new ProcessStartInfo(whole[0], whole[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() })!; // Null only for what the shell opens.
    }

    private static IEnumerable<string> Places() =>
        (Directory.Exists("/usr/lib/postgresql") ? Directory.EnumerateDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin")) : [])
        .Concat((Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator));
}
