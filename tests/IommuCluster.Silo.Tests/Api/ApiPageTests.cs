using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace IommuCluster.Silo.Tests.Api;

/// <summary>The page that describes the API, held against the API.</summary>
public sealed partial class ApiPageTests
{
    [Fact]
    public async Task Page_Requests_AreThoseThatAreMapped()
    {
        await using var host = SiloHost.Build(new SettingsSources(null, []).Load(), new SiloSettings { SiloPort = FreePorts.One(), GatewayPort = FreePorts.One() });

        var mapped = from endpoint in ((IEndpointRouteBuilder)host).DataSources.SelectMany(source => source.Endpoints).Cast<RouteEndpoint>()
                     let method = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0] ?? "GET"
                     select $"{method} {endpoint.RoutePattern.RawText}";

        Assert.Equal(Requests().Matches(Page()).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal), mapped.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(typeof(Silo.Runs.RunOrder))]
    [InlineData(typeof(Silo.Runs.RunStatus))]
    [InlineData(typeof(Silo.Runs.CaseStatus))]
    [InlineData(typeof(Silo.Runs.RunFinding))]
    public void Page_Properties_AreAllTold(Type type) =>
        Assert.All(type.GetProperties(), property => Assert.Contains($"`{char.ToLowerInvariant(property.Name[0])}{property.Name[1..]}`", Page(), StringComparison.Ordinal));

    private static string Page([CallerFilePath] string here = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "src", "IommuCluster.Silo", "Api", "API.md"));

    [GeneratedRegex(@"^\| `((?:GET|POST|DELETE) [^`]+)`", RegexOptions.Multiline)]
    private static partial Regex Requests();
}
