using IommuCluster.Cli.Tests.Support;
using IommuCluster.Silo.Hosting;

namespace IommuCluster.Cli.Tests.Cluster;

public sealed class RemoteCommandTests
{
    private const string Scenario = """
        title: the fwspec race, and the same without it
        board: sc8180x-primus
        masters: [2c6a000.gmu]
        iommus: []
        firmware-links: off
        transfers: 0
        drivers: { arm-smmu: { load: built-in } }
        clients: { load: built-in }
        explore: { schedules: 500 }
        cases:
          built-in: { profile: linux-6.6, expect: clean }
        """;

    [Fact]
    public async Task Run_OnAServedCluster_TellsItsVerdict()
    {
        await using var cluster = await ServedCluster.StartAsync();
        using var line = WithBoard();

        var answer = await line.Run("run", "remote", "--cluster", cluster.Gateway, "--boots", "5");

        Assert.Equal((0, string.Empty), (answer.Code, answer.Error));
        Assert.Contains("built-in (linux-6.6): as expected", answer.Out, StringComparison.Ordinal);
        Assert.Contains("5 ", answer.Out, StringComparison.Ordinal);

        var digest = IommuCluster.Scenarios.Format.ScenarioToken.DigestOf(new IommuCluster.Scenarios.Format.ScenarioCatalog(line.PathOf("scenarios")).Load("remote").Cases[0]);
        var replay = await line.Run("replay", $"remote/built-in/{digest}/.", "--cluster", cluster.Gateway);

        Assert.Equal((0, string.Empty), (replay.Code, replay.Error));
        Assert.Contains("the same end and state as in one process", replay.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ScenarioThatTheClusterCannotRead_IsBadInput()
    {
        await using var cluster = await ServedCluster.StartAsync();
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race", "--cluster", cluster.Gateway); // Its board is known here only.

        Assert.Equal(2, answer.Code);
        Assert.Contains("board 'toy': no such board", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere", "nowhere: no HOST:PORT; give the address of a silo and its GatewayPort, as in 127.0.0.1:30000")]
    [InlineData("127.0.0.1:0", "127.0.0.1:0: no HOST:PORT;")]
    public async Task Run_WhatIsNoEndpoint_IsBadInput(string endpoint, string wanted)
    {
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race", "--cluster", endpoint);

        Assert.Equal(2, answer.Code);
        Assert.Contains(wanted, answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WhereNobodyListens_IsBadInput()
    {
        using var line = new CommandLine();
        var endpoint = $"127.0.0.1:{FreePorts.One()}";

        var answer = await line.Run("run", "toy-race", "--cluster", endpoint);

        Assert.Equal(2, answer.Code);
        Assert.StartsWith($"{endpoint}: no gateway of cluster 'iommucluster' answers there;", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_BadSetting_IsBadInput()
    {
        using var line = new CommandLine();

        var answer = await line.Run("serve", "--set", "SiloPort=x");

        Assert.Equal((2, "IommuCluster:SiloPort: is 'x'; give a number from 1 to 65535\n"), (answer.Code, answer.Error));
    }

    [Fact]
    public async Task Serve_PortInUse_IsBadInput()
    {
        using var line = new CommandLine();
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port;

        var answer = await line.Run("serve", "--set", $"SiloPort={port}");

        Assert.Equal(2, answer.Code);
        Assert.StartsWith($"IommuCluster:SiloPort: port {port}: address already in use;", answer.Error, StringComparison.Ordinal);
    }

    /// <summary>A directory with a scenario on a board that every silo of the program has.</summary>
    internal static CommandLine WithBoard()
    {
        var line = new CommandLine();
        line.Write("remote", Scenario);
        var boards = IommuCluster.Boards.BoardCatalog.Locate(AppContext.BaseDirectory);
        File.Copy(boards.Find("sc8180x-primus")!, line.PathOf("scenarios/boards/sc8180x-primus.yaml")); // A shipped board.
        return line;
    }
}
