using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace IommuCluster.Telemetry;

/// <summary>The console exporter, where its package could be restored.</summary>
internal static class ConsoleExporter
{
#if CONSOLE_EXPORTER
    public const bool IsThere = true;

    public static MeterProviderBuilder AddConsole(this MeterProviderBuilder builder) => builder.AddConsoleExporter();

    public static TracerProviderBuilder AddConsole(this TracerProviderBuilder builder) => builder.AddConsoleExporter();
#else
    public const bool IsThere = false;

    public static MeterProviderBuilder AddConsole(this MeterProviderBuilder builder) => builder;

    public static TracerProviderBuilder AddConsole(this TracerProviderBuilder builder) => builder;
#endif
}
