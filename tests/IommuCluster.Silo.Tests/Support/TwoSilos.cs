using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using IommuCluster.Silo.Hosting;
using Microsoft.AspNetCore.Builder;

namespace IommuCluster.Silo.Tests.Support;

/// <summary>Two silos of one cluster in this process, each with its API, and a client of each.</summary>
public sealed class TwoSilos : IAsyncLifetime
{
    private readonly List<WebApplication> _hosts = [];

    internal HttpClient First { get; private set; } = null!; // Set before any test runs.

    internal HttpClient Second { get; private set; } = null!; // Set before any test runs.

    public async Task InitializeAsync()
    {
        var primary = FreePorts.One();
        First = await StartAsync(primary, primary);
        Second = await StartAsync(FreePorts.One(), primary);
    }

    public async Task DisposeAsync()
    {
        First.Dispose();
        Second.Dispose();
        foreach (var host in Enumerable.Reverse(_hosts))
        {
            await host.StopAsync();
            await host.DisposeAsync();
        }
    }

    /// <summary>Starts a host of a cluster of its own.</summary>
    internal static async Task<WebApplication> StartAsync(SiloSettings settings)
    {
        var sources = new SettingsSources(null, []).Load();
        sources["Logging:LogLevel:Default"] = "None";
        sources["Logging:LogLevel:Orleans"] = "None";
        var host = SiloHost.Build(sources, settings);
        await host.StartAsync();
        return host;
    }

    private async Task<HttpClient> StartAsync(int port, int primary)
    {
        var host = await StartAsync(new SiloSettings { SiloPort = port, PrimaryPort = primary, GatewayPort = FreePorts.One(), HttpUrl = "http://127.0.0.1:0" });
        _hosts.Add(host);
        return new HttpClient { BaseAddress = new Uri(host.Urls.First()) };
    }
}

/// <summary>The API as a client uses it.</summary>
internal static class ApiClient
{
    /// <summary>Orders a run.</summary>
    internal static async Task<string> SubmitAsync(this HttpClient client, object order)
    {
        using var answer = await client.PostAsJsonAsync("/api/runs", order);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var id = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!; // Every status has one.
        Assert.Equal($"/api/runs/{id}", answer.Headers.Location!.ToString()); // A created thing has a place.
        return id;
    }

    /// <summary>Watches a run to its end.</summary>
    internal static async Task<List<JsonElement>> WatchAsync(this HttpClient client, string id)
    {
        await using var stream = await client.GetStreamAsync($"/api/runs/{id}/events");
        var seen = new List<JsonElement>();
        await foreach (var item in System.Net.ServerSentEvents.SseParser.Create(stream).EnumerateAsync())
        {
            Assert.Equal("status", item.EventType);
            seen.Add(JsonSerializer.Deserialize<JsonElement>(item.Data));
        }

        return seen;
    }

    /// <summary>Watches a run, through the loss of silos other than this one, until it is as wanted or over.</summary>
    internal static async Task<JsonElement> WatchAsync(this HttpClient client, string id, Func<JsonElement, bool> isWanted)
    {
        while (true)
        {
            try
            {
                await using var stream = await client.GetStreamAsync($"/api/runs/{id}/events");
                await foreach (var item in System.Net.ServerSentEvents.SseParser.Create(stream).EnumerateAsync())
                {
                    var status = JsonSerializer.Deserialize<JsonElement>(item.Data);
                    if (isWanted(status) || status.GetProperty("isOver").GetBoolean())
                    {
                        return status;
                    }
                }
            }
            catch (Exception away) when (away is HttpRequestException or IOException)
            {
                // The silo that has the run is dead, and nobody knows it yet: asked again, the cluster looks for it.
            }
        }
    }

    /// <summary>The errors of a refused request.</summary>
    internal static async Task<string[]> ErrorsAsync(this HttpResponseMessage answer) =>
        [.. (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors").EnumerateArray().Select(each => each.GetString()!)]; // Errors are texts.

    internal static string Text(this JsonElement element, string property) => element.GetProperty(property).GetString()!; // Asked for texts only.
}
