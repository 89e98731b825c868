using System.Collections.Immutable;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Dashboard;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Running;
using IommuCluster.Silo.Runs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using CancellationToken = System.Threading.CancellationToken;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

namespace IommuCluster.Silo.Api;

/// <summary>The HTTP API of runs. Any silo answers for any run. <c>API.md</c> beside this file describes it.</summary>
internal static class RunApi
{
    private const string OrderKeys = "scenario or text, and case, boots, socs, schedules or replay, time, seed, as in {\"scenario\": \"s21-fwspec-race\", \"boots\": 100}";

    /// <summary>Registers what the API needs.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="settings">The silo's settings.</param>
    public static void AddRunApi(this IServiceCollection services, SiloSettings settings)
    {
        services.AddRoutingCore();
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
            options.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            options.SerializerOptions.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping; // Quotes stay readable; the answer is never said to be HTML.
        });
        services.AddHealthChecks().AddCheck<SiloCheck>("silo", tags: [SiloCheck.Ready]);
        if (settings.HttpToken.Length == 0)
        {
            // Without a token the API is for this machine: a web page that had its name resolved to this address is not.
            services.AddHostFiltering(options => options.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
        }
    }

    /// <summary>Maps the API.</summary>
    /// <param name="app">The host.</param>
    /// <param name="settings">The silo's settings.</param>
    public static void UseRunApi(this WebApplication app, SiloSettings settings)
    {
        if (settings.HttpToken.Length == 0)
        {
            app.UseHostFiltering();
        }

        app.UsePolicy();
        app.UseRouting();
        app.MapDashboard();
        app.MapHealthChecks("/healthz/live", new HealthCheckOptions { Predicate = check => !check.Tags.Contains(SiloCheck.Ready) });
        app.MapHealthChecks("/healthz/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(SiloCheck.Ready) });
        var api = app.MapGroup("/api").AddEndpointFilter(new TokenFilter(settings.HttpToken)).AddEndpointFilter<UnavailableFilter>();
        api.MapPost("/runs", SubmitAsync);
        api.MapGet("/runs", ListAsync);
        api.MapGet("/runs/{id}", StatusAsync);
        api.MapGet("/runs/{id}/events", WatchAsync);
        api.MapGet("/runs/{id}/findings/{finding}", ReportAsync);
        api.MapDelete("/runs/{id}", StopAsync);
        api.MapGet("/scenarios", (OrderReader orders) => TypedResults.Ok(new ScenariosJson(orders.Names())));
        api.MapGet("/cluster", ClusterAsync);
    }

    private static async Task<IResult> SubmitAsync(HttpRequest request, IGrainFactory grains)
    {
        if (!request.HasJsonContentType())
        {
            return Bad(StatusCodes.Status415UnsupportedMediaType, "the body is not said to be JSON; send the header Content-Type: application/json");
        }

        RunOrder? order;
        try
        {
            order = await JsonSerializer.DeserializeAsync(request.Body, ApiJson.Default.RunOrder, request.HttpContext.RequestAborted);
        }
        catch (JsonException bad)
        {
            return Bad(StatusCodes.Status400BadRequest, $"the body is no order: line {bad.LineNumber + 1}, at {bad.Path}; send JSON with {OrderKeys}");
        }
        catch (BadHttpRequestException bad)
        {
            return Bad(bad.StatusCode, bad.Message);
        }

        if (order is null)
        {
            return Bad(StatusCodes.Status400BadRequest, $"the body is null; send JSON with {OrderKeys}");
        }

        var ticket = await grains.GetGrain<IRunIndexGrain>(0).SubmitAsync(order);
        return ticket.Id is { } id && await grains.GetGrain<IRunGrain>(id).WatchAsync(-1) is { } status
            ? TypedResults.Created($"/api/runs/{id}", status)
            : Bad(StatusCodes.Status400BadRequest, [.. ticket.Errors]);
    }

    private static async Task<IResult> ListAsync(IGrainFactory grains)
    {
        var ids = await grains.GetGrain<IRunIndexGrain>(0).ListAsync();
        var runs = await Task.WhenAll(ids.Select(id => grains.GetGrain<IRunGrain>(id).WatchAsync(-1)));
        return TypedResults.Ok(new RunsJson([.. runs.OfType<RunStatus>()]));
    }

    private static async Task<IResult> StatusAsync(string id, IGrainFactory grains) =>
        Found(id, await grains.GetGrain<IRunGrain>(id).WatchAsync(-1));

    private static async Task<IResult> StopAsync(string id, IGrainFactory grains) =>
        Found(id, await grains.GetGrain<IRunGrain>(id).StopAsync());

    private static async Task<IResult> WatchAsync(string id, IGrainFactory grains, IHostApplicationLifetime lifetime, HttpContext context)
    {
        var first = await grains.GetGrain<IRunGrain>(id).WatchAsync(-1);
        return first is null ? Found(id, first) : TypedResults.ServerSentEvents(EventsAsync(grains.GetGrain<IRunGrain>(id), first, lifetime.ApplicationStopping, context.RequestAborted));
    }

    /// <summary>A <c>status</c> event a change; the last one is that of a run that is over.</summary>
    private static async IAsyncEnumerable<SseItem<RunStatus>> EventsAsync(
        IRunGrain run, RunStatus status, CancellationToken stopping, [EnumeratorCancellation] CancellationToken aborted)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping, aborted);
        var told = -1L;
        while (true)
        {
            if (status.Version != told)
            {
                told = status.Version;
                yield return new SseItem<RunStatus>(status, "status") { EventId = told.ToString() };
            }

            if (status.IsOver || ended.IsCancellationRequested || await NextAsync(run, told, ended.Token) is not { } next)
            {
                yield break;
            }

            status = next;
        }
    }

    private static async Task<RunStatus?> NextAsync(IRunGrain run, long told, CancellationToken ended)
    {
        try
        {
            return await run.WatchAsync(told).WaitAsync(ended);
        }
        catch (Exception away) when (away is OrleansException or TimeoutException or OperationCanceledException)
        {
            return null; // The stream ends; a client that wants more asks again, here or at another silo.
        }
    }

    private static async Task<IResult> ReportAsync(string id, string finding, string? @case, IGrainFactory grains, FindingText text, CancellationToken aborted)
    {
        var run = grains.GetGrain<IRunGrain>(id);
        if (await run.WatchAsync(-1) is not { } status || await run.OrderAsync() is not { } order)
        {
            return Found(id, status: null);
        }

        var seen = from shown in status.Cases
                   where @case is null || shown.Case == @case
                   from each in shown.Findings
                   where each.Id == finding
                   select (shown.Case, each.Token);
        return seen.FirstOrDefault() switch
        {
            (null, _) => Bad(StatusCodes.Status404NotFound, $"{id} has no finding '{finding}'{(@case is null ? string.Empty : $" in case '{@case}'")}; GET /api/runs/{id} lists them"),
            (_, null) => Bad(StatusCodes.Status404NotFound, $"{finding} was seen by free concurrency, which cannot be replayed; explore the case to have it with a token"),
            var (name, token) => await TextAsync(() => text.WriteAsync(order, name, finding, token, aborted)),
        };
    }

    private static async Task<IResult> TextAsync(Func<Task<string>> write)
    {
        try
        {
            return TypedResults.Text(await write(), "text/plain", Encoding.UTF8);
        }
        catch (ScenarioException bad)
        {
            return Bad(StatusCodes.Status400BadRequest, [.. bad.Diagnostics.Select(each => each.ToString())]);
        }
    }

    private static async Task<IResult> ClusterAsync(IGrainFactory grains)
    {
        var hosts = await grains.GetGrain<IManagementGrain>(0).GetHosts();
        return TypedResults.Ok(new ClusterJson(
            [.. hosts.OrderBy(host => host.Key.ToString(), StringComparer.Ordinal).Select(host => new SiloJson(host.Key.ToString(), host.Value.ToString().ToLowerInvariant()))]));
    }

    private static IResult Found(string id, RunStatus? status) =>
        status is null ? Bad(StatusCodes.Status404NotFound, $"there is no run '{id}'; GET /api/runs lists them") : TypedResults.Ok(status);

    private static JsonHttpResult<ErrorsJson> Bad(int code, params ImmutableArray<string> errors) => TypedResults.Json(new ErrorsJson(errors), statusCode: code);
}
