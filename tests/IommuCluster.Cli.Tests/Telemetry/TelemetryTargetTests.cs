using IommuCluster.Cli.Tests.Support;
using IommuCluster.Telemetry;

namespace IommuCluster.Cli.Tests.Telemetry;

public sealed class TelemetryTargetTests
{
    [Theory]
    [InlineData(null, "", TelemetryTarget.None)]
    [InlineData(TelemetryTarget.Otlp, "", TelemetryTarget.Otlp)]
    [InlineData(null, "OTEL_EXPORTER_OTLP_ENDPOINT=http://x", TelemetryTarget.Otlp)]
    [InlineData(null, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://x", TelemetryTarget.Otlp)]
    [InlineData(null, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://x", TelemetryTarget.None)]
    [InlineData(null, "OTEL_METRICS_EXPORTER=otlp", TelemetryTarget.Otlp)]
    [InlineData(null, "OTEL_METRICS_EXPORTER=console", TelemetryTarget.Console)]
    [InlineData(null, "OTEL_METRICS_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://x", TelemetryTarget.None)]
    [InlineData(TelemetryTarget.None, "OTEL_METRICS_EXPORTER=otlp", TelemetryTarget.None)]
    [InlineData(TelemetryTarget.Otlp, "OTEL_SDK_DISABLED=true", TelemetryTarget.None)]
    public void TargetOf_Metrics_FollowsTheOptionThenTheVariables(TelemetryTarget? asked, string variables, TelemetryTarget wanted)
    {
        var set = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(each => each.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

        Assert.Equal(wanted, TelemetryExport.TargetOf(asked, "METRICS", set.GetValueOrDefault));
    }

    [Fact]
    public void Start_NothingAskedFor_ExportsNothing() => Assert.Null(TelemetryExport.Start(asked: null, _ => null));

    [Fact]
    public async Task Telemetry_WhatIsNoTarget_IsBadInput()
    {
        using var line = new CommandLine();

        var answer = await line.Run("profiles", "list", "--telemetry", "fax");

        Assert.Equal(2, answer.Code);
        Assert.Contains("otlp", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Telemetry_ToTheConsole_IsThereOrSaysThatItIsNot()
    {
        using var line = new CommandLine();

        var answer = await line.Run("profiles", "list", "--telemetry", "console");

        Assert.Equal(TelemetryExport.HasConsole ? 0 : 2, answer.Code);
        Assert.Equal(!TelemetryExport.HasConsole, answer.Error.Contains("the console exporter was left out of this build", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Telemetry_ToTheConsoleBesideJson_IsRefused()
    {
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race", "--json", "--telemetry", "console");

        Assert.Equal((2, string.Empty), (answer.Code, answer.Out));
        Assert.Contains("send telemetry to otlp, or leave --json away", answer.Error, StringComparison.Ordinal);
    }
}
