using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Hosting;

// The same as `iommucluster serve --set KEY=VALUE...`.
try
{
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
