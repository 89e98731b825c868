using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Hosting;
using IommuCluster.Telemetry;

// The same as `iommucluster serve --set KEY=VALUE...`.
try
{
    using var telemetry = TelemetryExport.Start(asked: null, Environment.GetEnvironmentVariable);
    await SiloHost.RunAsync(new SettingsSources(File: null, [.. args]), Console.Out);
    return 0;
}
catch (ScenarioException bad)
{
    foreach (var diagnostic in bad.Diagnostics)
    {
        Console.Error.WriteLine(diagnostic);
    }

    return 2;
}
catch (TelemetryException bad)
{
    Console.Error.WriteLine($"iommucluster: {bad.Message}");
    return 2;
}
