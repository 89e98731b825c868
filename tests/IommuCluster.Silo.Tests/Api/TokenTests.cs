using System.Net;
using System.Net.Http.Headers;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Api;

public sealed class TokenTests
{
    private const string Token = "0123456789abcdef";

    [Fact]
    public async Task Request_WhereATokenIsAskedFor_NeedsIt()
    {
        var port = FreePorts.One();
        var host = await TwoSilos.StartAsync(new SiloSettings { SiloPort = port, PrimaryPort = port, GatewayPort = FreePorts.One(), HttpUrl = "http://127.0.0.1:0", HttpToken = Token });
        using var client = new HttpClient { BaseAddress = new Uri(host.Urls.First()) };

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(client, "/api/runs", token: null));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(client, "/api/runs", Token + "0"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "/api/runs", Token));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(client, "/healthz/ready", token: null));
        await host.StopAsync();
        await host.DisposeAsync();
    }

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, string path, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }
}
