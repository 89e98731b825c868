using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace IommuCluster.Telemetry;

/// <summary>Where measurements and spans go.</summary>
public enum TelemetryTarget
{
    /// <summary>Nowhere: nothing is measured.</summary>
    None,

    /// <summary>To an OTLP endpoint; <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and its kin say which, otherwise localhost.</summary>
    Otlp,

    /// <summary>To standard output.</summary>
    Console,
}

/// <summary>Exports what the meters and the source measure, from its start until it is disposed.</summary>
public sealed class TelemetryExport : IDisposable
{
    private const string Service = "iommucluster";

    private static readonly string[] s_meters = ["IommuCluster.*", "Microsoft.Orleans"];
    private static readonly string[] s_sources = ["IommuCluster"];

    private readonly MeterProvider? _metrics;
    private readonly TracerProvider? _traces;

    private TelemetryExport(TelemetryTarget metrics, TelemetryTarget traces)
    {
        if (metrics != TelemetryTarget.None)
        {
            var builder = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(s_meters);
            _metrics = (metrics == TelemetryTarget.Otlp ? builder.AddOtlpExporter() : builder.AddConsole()).Build();
        }

        if (traces != TelemetryTarget.None)
        {
            var builder = Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(s_sources);
            _traces = (traces == TelemetryTarget.Otlp ? builder.AddOtlpExporter() : builder.AddConsole()).Build();
        }
    }

    /// <summary>True when this build can write to standard output.</summary>
    public static bool HasConsole => ConsoleExporter.IsThere;

    /// <summary>Starts to export, if anybody asks for it.</summary>
    /// <param name="asked">What the command line asks for; null leaves it to the <c>OTEL_*</c> variables.</param>
    /// <param name="variable">Reads an environment variable; null or empty when it is not set.</param>
    /// <param name="isOutputTaken">True when standard output is for a program to read, so that nothing else may be written there.</param>
    /// <returns>The export, flushed when disposed; null when nobody asks for one.</returns>
    /// <exception cref="TelemetryException">The console is asked for, and standard output is taken, or this build has no exporter for it.</exception>
    public static TelemetryExport? Start(TelemetryTarget? asked, Func<string, string?> variable, bool isOutputTaken = false)
    {
        var (metrics, traces) = (TargetOf(asked, "METRICS", variable), TargetOf(asked, "TRACES", variable));
        var isToConsole = metrics == TelemetryTarget.Console || traces == TelemetryTarget.Console;
        if (isToConsole && isOutputTaken)
        {
            throw new TelemetryException("telemetry to the console and --json would both write to standard output: send telemetry to otlp, or leave --json away");
        }

        if (isToConsole && !HasConsole)
        {
            throw new TelemetryException("the console exporter was left out of this build: OpenTelemetry.Exporter.Console could not be restored; otlp is there");
        }

        return metrics == TelemetryTarget.None && traces == TelemetryTarget.None ? null : new TelemetryExport(metrics, traces);
    }

    /// <summary>Where a signal goes: as asked, or as the standard variables say.</summary>
    /// <param name="asked">What the command line asks for, or null.</param>
    /// <param name="signal"><c>METRICS</c> or <c>TRACES</c>.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <returns>The target. An endpoint alone asks for OTLP; an exporter that is not known here is none.</returns>
    public static TelemetryTarget TargetOf(TelemetryTarget? asked, string signal, Func<string, string?> variable)
    {
        if (string.Equals(variable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
        {
            return TelemetryTarget.None;
        }

        var hasEndpoint = new[] { "OTEL_EXPORTER_OTLP_ENDPOINT", $"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" }.Any(name => !string.IsNullOrEmpty(variable(name)));
        return asked ?? variable($"OTEL_{signal}_EXPORTER") switch
        {
            "otlp" => TelemetryTarget.Otlp,
            "console" => TelemetryTarget.Console,
            null or "" when hasEndpoint => TelemetryTarget.Otlp,
            _ => TelemetryTarget.None,
        };
    }

    /// <summary>Sends what is left, and ends.</summary>
    public void Dispose()
    {
        _metrics?.Dispose();
        _traces?.Dispose();
    }

    private static void Describe(ResourceBuilder resource) => resource.AddService(Service).AddEnvironmentVariableDetector();
}

/// <summary>What was asked for cannot be exported.</summary>
/// <param name="message">What, and what to ask for instead.</param>
public sealed class TelemetryException(string message) : Exception(message);
