using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Storage;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Silo.Api;

/// <summary>Asks for the bearer token, where there is one.</summary>
/// <param name="token">The token; empty for none.</param>
internal sealed class TokenFilter(string token) : IEndpointFilter
{
    private const string Scheme = "Bearer ";

    private readonly byte[]? _hash = token.Length == 0 ? null : Hash(token);

    /// <inheritdoc/>
    public ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        if (_hash is null || IsKnown(context.HttpContext.Request.Headers.Authorization.ToString()))
        {
            return next(context);
        }

        context.HttpContext.Response.Headers.WWWAuthenticate = "Bearer";
        return ValueTask.FromResult<object?>(TypedResults.Json(
            new ErrorsJson(["the bearer token is missing or wrong; send the header Authorization: Bearer TOKEN"]), statusCode: StatusCodes.Status401Unauthorized));
    }

    /// <summary>Hashes have one length, so that the time of a comparison tells nothing.</summary>
    private bool IsKnown(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && CryptographicOperations.FixedTimeEquals(Hash(header[Scheme.Length..].Trim()), _hash);

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

/// <summary>Says 503 where silos or their database do not answer: the request may be sent again, here or elsewhere.</summary>
internal sealed partial class UnavailableFilter(ILogger<UnavailableFilter> logger) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception away) when (away is OrleansException or TimeoutException or System.Data.Common.DbException)
        {
            LogAway(away);
            return TypedResults.Json(new ErrorsJson(["the cluster does not answer; send the request again in a moment"]), statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The cluster did not answer.")]
    private partial void LogAway(Exception away);
}

/// <summary>Ready means that this silo is one of the cluster's.</summary>
/// <param name="silo">Knows how it is.</param>
internal sealed class SiloCheck(ISiloStatusOracle silo) : IHealthCheck
{
    /// <summary>Tag of what has to be healthy before requests come.</summary>
    public const string Ready = "ready";

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(silo.CurrentStatus == SiloStatus.Active ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"The silo is {silo.CurrentStatus}."));
}
