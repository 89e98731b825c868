using System.Net;
using System.Text.RegularExpressions;
using IommuCluster.Silo.Api;
using IommuCluster.Silo.Dashboard;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Runs;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Dashboard;

public sealed partial class DashboardPageTests(TwoSilos silos) : IClassFixture<TwoSilos>
{
    private static readonly Uri s_module = new("/dashboard/dashboard.js", UriKind.Relative);

    [Fact]
    public async Task Page_AtTheRoot_NamesOnlyFilesOfTheSilo()
    {
        using var page = await silos.First.GetAsync(new Uri("/", UriKind.Relative));
        var files = Files().Matches(await page.Content.ReadAsStringAsync()).Select(match => match.Groups[1].Value).ToList();

        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Equal(["dashboard/dashboard.svg", "dashboard/dashboard.css", "dashboard/dashboard.js"], files);
        Assert.Equal(["image/svg+xml", "text/css", "text/javascript"], (await Task.WhenAll(files.Select(TypeAsync))).AsEnumerable());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/dashboard/dashboard.js")]
    [InlineData("/api/cluster")]
    [InlineData("/api/runs/run-0/findings/x")]
    public async Task Answer_ToBrowsers_SaysThatNothingComesFromElsewhere(string path)
    {
        using var answer = await silos.Second.GetAsync(new Uri(path, UriKind.Relative));

        Assert.Equal(DashboardPage.Policy, Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
    }

    [Theory]
    [InlineData("nothing.js")]
    [InlineData("..%2Fdashboard.js")]
    [InlineData("DASHBOARD.JS")]
    public async Task File_ThatIsNone_Is404(string file)
    {
        using var answer = await silos.First.GetAsync(new Uri($"/dashboard/{file}", UriKind.Relative));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Page_WhereATokenIsAskedFor_NeedsNone()
    {
        var (port, gateway) = FreePorts.Two();
        await using var host = await TwoSilos.StartAsync(new SiloSettings { SiloPort = port, PrimaryPort = port, GatewayPort = gateway, HttpUrl = "http://127.0.0.1:0", HttpToken = "0123456789abcdef" });
        using var client = new HttpClient { BaseAddress = new Uri(host.Urls.First()) };

        Assert.Contains("<form id=\"token\"", await client.GetStringAsync(new Uri("/", UriKind.Relative)), StringComparison.Ordinal);
        using var api = await client.GetAsync(new Uri("/api/runs/run-0/findings/x", UriKind.Relative));
        Assert.Equal(HttpStatusCode.Unauthorized, api.StatusCode);
        await host.StopAsync();
    }

    [Theory]
    [InlineData("run", typeof(RunStatus))]
    [InlineData("kase", typeof(CaseStatus))]
    [InlineData("finding", typeof(RunFinding))]
    [InlineData("silo", typeof(SiloJson))]
    public async Task Module_ReadsOf_WhatTheApiTells(string variable, Type type)
    {
        var told = type.GetProperties().Select(property => $"{char.ToLowerInvariant(property.Name[0])}{property.Name[1..]}").ToHashSet();

        var read = Regex.Matches(await silos.First.GetStringAsync(s_module), $@"\b{variable}\.(\w+)", RegexOptions.None, TimeSpan.FromSeconds(1)).Select(match => match.Groups[1].Value).ToHashSet();

        Assert.NotEmpty(read);
        Assert.Subset(told, read);
    }

    [Theory]
    [InlineData("innerHTML")]
    [InlineData("outerHTML")]
    [InlineData("insertAdjacentHTML")]
    [InlineData("document.write")]
    [InlineData("DOMParser")]
    [InlineData("eval(")]
    [InlineData("localStorage")]
    [InlineData("://")]
    public async Task Module_MakesNoHtmlOfTexts_AndKeepsNoToken(string never)
    {
        var module = (await silos.First.GetStringAsync(s_module)).Replace("http://www.w3.org/2000/svg", string.Empty, StringComparison.Ordinal); // A name, never asked.

        Assert.DoesNotContain(never, module, StringComparison.Ordinal);
    }

    private async Task<string> TypeAsync(string file)
    {
        using var answer = await silos.First.GetAsync(new Uri(file, UriKind.Relative));
        return answer.Content.Headers.ContentType!.MediaType!; // Each file has one.
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+)\"")]
    private static partial Regex Files();
}
