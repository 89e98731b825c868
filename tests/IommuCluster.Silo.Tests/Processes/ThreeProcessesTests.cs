using System.Net.Http.Json;
using System.Text.Json;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Tests.Support;
using Xunit.Abstractions;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>Three silos in processes of their own, found through PostgreSQL.</summary>
[Collection(RunCluster.Collection)]
public sealed class ThreeProcessesTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    [PostgreSqlFact]
    public async Task Run_WhoseSiloIsAskedToLeave_GoesOnAtTheOthersWithNothingCountedTwice()
    {
        await using var database = await PostgreSql.StartAsync();
        string[] settings = ["Clustering=adonet", "AdvertisedAddress=127.0.0.1", $"ConnectionString={database.ConnectionString}"];
        using var first = await SiloProcess.StartAsync(output, settings);
        using var second = await SiloProcess.StartAsync(output, settings);
        using var third = await SiloProcess.StartAsync(output, settings);
        Assert.Equal(["active", "active", "active"], await SilosAsync(third));

        var order = new { scenario = "s21-fwspec-race", @case = "bug", schedules = 12_000, seed = 5 };
        var alone = (await second.Client.WatchAsync(await first.Client.SubmitAsync(order)).WaitAsync(s_patience))[^1];
        Assert.Equal("completed", alone.Text("phase"));

        var id = await first.Client.SubmitAsync(order);
        Assert.Equal(0, await first.TerminateAsync());
        var seen = (await third.Client.WatchAsync(id).WaitAsync(s_patience))[^1];

        Assert.Equal(12_000, seen.GetProperty("cases")[0].GetProperty("done").GetInt64());
        Assert.Equal(alone.GetProperty("cases").GetRawText(), seen.GetProperty("cases").GetRawText());

        var boots = (await second.Client.WatchAsync(await third.Client.SubmitAsync(new { scenario = "s21-fwspec-race", @case = "fix", boots = 40 })).WaitAsync(s_patience))[^1];
        Assert.Equal(40, boots.GetProperty("cases")[0].GetProperty("done").GetInt64());

        Assert.Equal(0, await second.TerminateAsync());
        Assert.Equal(0, await third.TerminateAsync());
    }

    [PostgreSqlFact]
    public async Task Runs_WhoseSilosAreKilledAndPaused_CountEverythingOnceAndFindWhatOneProcessFinds()
    {
        await using var database = await PostgreSql.StartAsync();
        string[] settings = ["Clustering=adonet", "AdvertisedAddress=127.0.0.1", "ProbeSeconds=2", $"ConnectionString={database.ConnectionString}"];
        using var first = await SiloProcess.StartAsync(output, settings);
        using var second = await SiloProcess.StartAsync(output, settings);
        using var third = await SiloProcess.StartAsync(output, settings);

        var schedules = new { scenario = "s21-fwspec-race", @case = "bug", schedules = 12_000, seed = 5 };
        var alone = await EndAsync(first, await first.Client.SubmitAsync(schedules));
        var exploration = await first.Client.SubmitAsync(schedules);
        await third.Client.WatchAsync(exploration, HasBegun).WaitAsync(s_patience);
        await first.KillAsync();
        var explored = await EndAsync(third, exploration);
        Assert.Equal(alone.GetProperty("cases").GetRawText(), explored.GetProperty("cases").GetRawText());

        using var fourth = await SiloProcess.StartAsync(output, settings); // In the place of the first one.
        var socs = new { scenario = "s21-fwspec-race", @case = "fix", socs = 200 };
        var stress = CliProcess.RunAsync("stress", "s21-fwspec-race", "--case", "fix", "--socs", "200", "--cluster", $"{second.Gateway},{third.Gateway}");
        await third.Client.WatchAsync(await NextAsync(third.Client, exploration), HasBegun).WaitAsync(s_patience);
        await second.KillAsync();
        var (code, told) = await stress.WaitAsync(s_patience);
        Assert.Equal((0, 200, "as-expected"), (code, told.GetProperty("socs").GetInt64(), told.Text("outcome")));

        var paused = await third.Client.SubmitAsync(socs);
        await third.Client.WatchAsync(paused, HasBegun).WaitAsync(s_patience);
        fourth.Pause();
        AssertAllBooted(await EndAsync(third, paused));
        await fourth.GoOnAndEndAsync();
        Assert.Equal(0, await third.TerminateAsync());
    }

    [Fact]
    public async Task CommandLine_OnProcesses_RunsCasesStressesAndKeepsToATime()
    {
        var port = FreePorts.One();
        using var first = await SiloProcess.StartAsync(output, $"SiloPort={port}", $"PrimaryPort={port}");
        using var second = await SiloProcess.StartAsync(output, $"PrimaryPort={port}");

        var (code, told) = await CliProcess.RunAsync("run", "qemu-virt-smmuv3", "--on", "cluster", "--cluster", second.Gateway, "--boots", "3").WaitAsync(s_patience);
        Assert.Equal((0, "as-expected"), (code, told.GetProperty("cases")[0].Text("outcome")));

        (code, told) = await CliProcess.RunAsync("stress", "s21-fwspec-race", "--case", "fix", "--socs", "40", "--cluster", $"{first.Gateway},{second.Gateway}").WaitAsync(s_patience);
        Assert.Equal((0, 40, "as-expected"), (code, told.GetProperty("socs").GetInt64(), told.Text("outcome")));

        (code, told) = await CliProcess.RunAsync("stress", "s21-fwspec-race", "--case", "fix", "--duration", "1s", "--cluster", first.Gateway).WaitAsync(s_patience);
        Assert.Equal((0, "as-expected", "budget-done"), (code, told.Text("outcome"), told.Text("coverage")));
        Assert.True(told.GetProperty("is-time-up").GetBoolean() && told.GetProperty("socs").GetInt64() > 0);
        Assert.Equal((0, 0), (await second.TerminateAsync(), await first.TerminateAsync()));
    }

    /// <summary>The run that is ordered next by somebody else.</summary>
    private static async Task<string> NextAsync(HttpClient client, string last)
    {
        var known = last;
        while (known == last)
        {
            known = (await client.GetFromJsonAsync<JsonElement>("/api/runs").WaitAsync(s_patience)).GetProperty("runs")[0].Text("id");
        }

        return known;
    }

    private static bool HasBegun(JsonElement status) => status.GetProperty("cases")[0].GetProperty("done").GetInt64() > 0;

    private static Task<JsonElement> EndAsync(SiloProcess silo, string id) => silo.Client.WatchAsync(id, _ => false).WaitAsync(s_patience);

    private static void AssertAllBooted(JsonElement end)
    {
        Assert.False(end.TryGetProperty("error", out var error), $"The run failed: {error}");
        var seen = end.GetProperty("cases")[0];
        Assert.Equal(("completed", "as-expected", 200), (end.Text("phase"), seen.Text("outcome"), seen.GetProperty("done").GetInt64()));
    }

    private static async Task<IEnumerable<string>> SilosAsync(SiloProcess silo) =>
        (await silo.Client.GetFromJsonAsync<JsonElement>("/api/cluster")).GetProperty("silos").EnumerateArray().Select(each => each.Text("status"));
}
