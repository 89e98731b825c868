using System.Diagnostics;
using System.Text.Json;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>The command line in a process of its own, beside the scenarios.</summary>
internal static class CliProcess
{
    /// <summary>Runs a verb with <c>--json</c> to its end.</summary>
    /// <returns>The exit code and what was told; what it complains of is shown where it told nothing.</returns>
    internal static Task<(int Code, JsonElement Told)> RunAsync(params string[] arguments) => RunAsync(new Dictionary<string, string>(), arguments);

    /// <summary>As above, with variables in its environment.</summary>
    internal static async Task<(int Code, JsonElement Told)> RunAsync(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        string[] all = [Path.Combine(AppContext.BaseDirectory, "iommucluster.dll"), .. arguments, "--json"];
        var start = new ProcessStartInfo("dotnet", all) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = AppContext.BaseDirectory };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!; // Null only for what the shell opens.
        var (said, complained) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True((await said).Length > 0, $"It told nothing, and exited with {process.ExitCode}: {await complained}");
        return (process.ExitCode, JsonSerializer.Deserialize<JsonElement>(await said));
    }
}
