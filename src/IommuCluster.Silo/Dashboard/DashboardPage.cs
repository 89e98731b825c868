using System.Collections.Frozen;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace IommuCluster.Silo.Dashboard;

/// <summary>The page on which runs are watched. It is the same for everybody, token or not: what it shows it asks the API for.</summary>
internal static class DashboardPage
{
    /// <summary>Nothing is loaded from elsewhere, no script or style stands in the page, and nobody frames it.</summary>
    public const string Policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

    private const string Index = "index.html";

    private static readonly FrozenDictionary<string, string> s_types = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [Index] = "text/html; charset=utf-8",
        ["dashboard.css"] = "text/css; charset=utf-8",
        ["dashboard.js"] = "text/javascript; charset=utf-8",
        ["dashboard.svg"] = "image/svg+xml",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Has every answer say what browsers may do with it.</summary>
    /// <param name="app">The host.</param>
    public static void UsePolicy(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var headers = context.Response.Headers;
        (headers.ContentSecurityPolicy, headers.XContentTypeOptions, headers["Referrer-Policy"]) = (Policy, "nosniff", "no-referrer");
        return next(context);
    });

    /// <summary>Maps the page and its files, which are resources of this assembly.</summary>
    /// <param name="routes">The host's routes.</param>
    public static void MapDashboard(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", (HttpResponse response) => Answer(response, Index));
        routes.MapGet("/dashboard/{file}", (string file, HttpResponse response) => Answer(response, file));
    }

    private static IResult Answer(HttpResponse response, string file)
    {
        if (!s_types.TryGetValue(file, out var type) || typeof(DashboardPage).Assembly.GetManifestResourceStream($"dashboard/{file}") is not { } resource)
        {
            return TypedResults.NotFound();
        }

        response.Headers.CacheControl = "no-cache"; // Another release of the silo brings another page.
        return TypedResults.Stream(resource, type);
    }
}
