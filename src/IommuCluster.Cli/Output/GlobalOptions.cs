using System.CommandLine;
using IommuCluster.Telemetry;

namespace IommuCluster.Cli.Output;

/// <summary>Options that every verb knows.</summary>
internal sealed class GlobalOptions
{
    /// <summary>Results as JSON.</summary>
    internal Option<bool> Json { get; } = new("--json") { Description = "Write results as JSON: one document, of run one a scenario, each as soon as it has ended.", Recursive = true };

    /// <summary>Verdicts only.</summary>
    internal Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Write verdicts only, no reports and no progress.", Recursive = true };

    /// <summary>Where measurements and spans go.</summary>
    internal Option<TelemetryTarget?> Telemetry { get; } = CreateTelemetry();

    /// <summary>No colours.</summary>
    internal Option<bool> NoColor { get; } = new("--no-color") { Description = "Write without colours; so does a NO_COLOR variable.", Recursive = true };

    private static Option<TelemetryTarget?> CreateTelemetry()
    {
        var option = new Option<TelemetryTarget?>("--telemetry")
        {
            Description = "Send measurements and spans: otlp (to OTEL_EXPORTER_OTLP_ENDPOINT) or console; the OTEL_* variables decide when not given.",
            Recursive = true,
            CustomParser = result => Enum.Parse<TelemetryTarget>(result.Tokens[0].Value, ignoreCase: true),
        };
        option.AcceptOnlyFromAmong("otlp", "console", "none");
        return option;
    }
}
