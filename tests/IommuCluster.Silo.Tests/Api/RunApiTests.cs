using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Api;

/// <summary>The API on two silos: what one is told, the other knows.</summary>
public sealed class RunApiTests(TwoSilos silos) : IClassFixture<TwoSilos>
{
    /// <summary>The toy, with a second SMMU and modules: then its bug shows.</summary>
    private static readonly string s_racyText = Toy.Text.Replace("masters: [2c6a000.gmu]", "masters: [2c6a000.gmu]\niommus: [15000000.iommu]\ndrivers: { arm-smmu: { load: module } }\nclients: { load: module }", StringComparison.Ordinal);

    [Fact]
    public async Task Submit_SchedulesAtOneSilo_AreWatchedToTheirVerdictAtTheOther()
    {
        var id = await silos.First.SubmitAsync(new { scenario = "s21-fwspec-race", @case = "bug", schedules = 5_000 });

        var seen = await silos.Second.WatchAsync(id);

        var found = seen[^1].GetProperty("cases")[0];
        Assert.Equal("completed", seen[^1].Text("phase"));
        Assert.Equal(5_000, found.GetProperty("done").GetInt64());
        Assert.Equal("as-expected", found.Text("outcome"));
        Assert.Contains("iommu_fwspec_add_ids", found.GetProperty("findings").EnumerateArray().Select(each => each.Text("function")));
        Assert.DoesNotContain("Iommu", found.GetProperty("findings").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(seen.Select(each => each.GetProperty("version").GetInt64()).Order(), seen.Select(each => each.GetProperty("version").GetInt64()));
        Assert.Contains(id, (await silos.First.GetFromJsonAsync<JsonElement>("/api/runs")).GetProperty("runs").EnumerateArray().Select(run => run.Text("id")));
    }

    [Fact]
    public async Task Submit_SameSchedulesTwice_FindTheSame()
    {
        var order = new { scenario = "s21-fwspec-race", @case = "bug", schedules = 5_000, seed = 9 };

        Assert.Equal(await FindingsAsync(silos.First, order), await FindingsAsync(silos.Second, order));
    }

    [Fact]
    public async Task Submit_TokenOfAFinding_EndsTheSameOnBothRuntimes()
    {
        var token = (await LastAsync(silos.First, new { scenario = "s21-fwspec-race", @case = "bug", schedules = 2_000 })).GetProperty("cases")[0].GetProperty("findings")[0].Text("token");

        var replay = (await LastAsync(silos.Second, new { replay = token })).GetProperty("replay");

        Assert.Equal(replay.GetProperty("process").GetRawText(), replay.GetProperty("cluster").GetRawText());
        Assert.Equal("oopsed", replay.GetProperty("cluster").Text("end"));
    }

    [Fact]
    public async Task Finding_OfATextAtTheOtherSilo_IsToldWhole()
    {
        var run = await LastAsync(silos.First, new { text = s_racyText, @case = "bug", schedules = 500 });
        var found = run.GetProperty("cases")[0].GetProperty("findings")[0];
        var path = $"/api/runs/{run.Text("id")}/findings/{found.Text("id")}";

        using var answer = await silos.Second.GetAsync(new Uri($"{path}?case=bug", UriKind.Relative));
        using var elsewhere = await silos.Second.GetAsync(new Uri($"{path}?case=fix", UriKind.Relative));

        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains(found.Text("objectType"), text, StringComparison.Ordinal);
        Assert.Contains("\nCall trace:\n", text, StringComparison.Ordinal);
        Assert.Contains("\nreplay: iommucluster replay submitted/bug/", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
        Assert.Equal([$"{run.Text("id")} has no finding '{found.Text("id")}' in case 'fix'; GET /api/runs/{run.Text("id")} lists them"], await elsewhere.ErrorsAsync());
    }

    [Fact]
    public async Task Finding_OfFreeConcurrency_CannotBeTold()
    {
        var run = await LastAsync(silos.First, new { scenario = "s21-fwspec-race", @case = "bug", socs = 32 });
        var found = run.GetProperty("cases")[0].GetProperty("findings")[0].Text("id");

        using var answer = await silos.First.GetAsync(new Uri($"/api/runs/{run.Text("id")}/findings/{found}", UriKind.Relative));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal([$"{found} was seen by free concurrency, which cannot be replayed; explore the case to have it with a token"], await answer.ErrorsAsync());
    }

    [Fact]
    public async Task Submit_TextOfAScenario_BootsOnGrains()
    {
        var last = await LastAsync(silos.First, new { text = Toy.Text, @case = "fix", boots = 12 });

        Assert.Equal((12, "completed"), (last.GetProperty("cases")[0].GetProperty("done").GetInt64(), last.Text("phase")));
    }

    [Fact]
    public async Task Stop_AtTheOtherSilo_EndsTheRunWithoutAVerdict()
    {
        var id = await silos.First.SubmitAsync(new { scenario = "s21-fwspec-race", @case = "fix", schedules = 100_000_000 });

        using var answer = await silos.Second.DeleteAsync(new Uri($"/api/runs/{id}", UriKind.Relative));
        var last = (await silos.First.WatchAsync(id))[^1];

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("stopped", "no-verdict"), (last.Text("phase"), last.GetProperty("cases")[0].Text("outcome")));
    }

    [Theory]
    [InlineData("{ \"scenari\": \"x\" }", "the body is no order: line 1, at $.scenari;")]
    [InlineData("{\n \"boots\": \"x\" }", "the body is no order: line 2, at $.boots;")]
    [InlineData("null", "the body is null;")]
    [InlineData("", "the body is no order: line 1, at $;")]
    [InlineData("{ \"scenario\": \"s21-fwspec-rac\", \"boots\": 0 }", "order: boots is 0;")]
    [InlineData("{ \"scenario\": \"s22\" }", "s22: no such scenario;")]
    [InlineData("{ \"scenario\": \"s21-fwspec-race\", \"case\": \"x\" }", ": there is no case 'x'; known: bug, fix,")]
    [InlineData("{ \"replay\": \"x\" }", "x: no replay token;")]
    public async Task Submit_BadOrder_Is400WithTheReason(string body, string wanted)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await silos.First.PostAsync(new Uri("/api/runs", UriKind.Relative), content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains(wanted, Assert.Single(await answer.ErrorsAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_WhatIsNotJson_Is415()
    {
        using var content = new StringContent("{}", Encoding.UTF8, "text/plain");
        using var answer = await silos.First.PostAsync(new Uri("/api/runs", UriKind.Relative), content);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
    }

    [Fact]
    public async Task Submit_MoreThanAMebibyte_Is413()
    {
        using var content = new StringContent($"{{ \"text\": \"{new string('x', 1 << 20)}\" }}", Encoding.UTF8, "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/runs") { Content = content };
        request.Headers.ExpectContinue = true; // Asks before it sends: who sends while he is refused may lose the answer with the connection.
        using var answer = await silos.First.SendAsync(request);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/api/runs/run-0")]
    [InlineData("GET", "/api/runs/run-0/events")]
    [InlineData("GET", "/api/runs/run-0/findings/x")]
    [InlineData("DELETE", "/api/runs/run-0")]
    public async Task Request_ForARunThatIsNot_Is404(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await silos.Second.SendAsync(request);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal(["there is no run 'run-0'; GET /api/runs lists them"], await answer.ErrorsAsync());
    }

    [Fact]
    public async Task Request_WithAnotherHostsName_Is400()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/runs") { Headers = { Host = "rebound.example" } };
        using var answer = await silos.First.SendAsync(request);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("/healthz/live")]
    [InlineData("/healthz/ready")]
    public async Task Health_OfASiloThatServes_IsGood(string path)
    {
        using var answer = await silos.Second.GetAsync(new Uri(path, UriKind.Relative));

        Assert.Equal("Healthy", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Cluster_OfTwoSilos_NamesBoth()
    {
        var silos2 = (await silos.First.GetFromJsonAsync<JsonElement>("/api/cluster")).GetProperty("silos").EnumerateArray();

        Assert.Equal(["active", "active"], silos2.Select(silo => silo.Text("status")));
    }

    [Fact]
    public async Task Scenarios_AreThoseOfTheDirectory() =>
        Assert.Contains("s21-fwspec-race", (await silos.First.GetFromJsonAsync<JsonElement>("/api/scenarios")).GetProperty("scenarios").EnumerateArray().Select(each => each.GetString()));

    private static async Task<JsonElement> LastAsync(HttpClient client, object order) => (await client.WatchAsync(await client.SubmitAsync(order)))[^1];

    private static async Task<string> FindingsAsync(HttpClient client, object order) =>
        (await LastAsync(client, order)).GetProperty("cases")[0].GetProperty("findings").GetRawText();
}
