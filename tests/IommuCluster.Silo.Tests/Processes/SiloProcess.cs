using System.Diagnostics;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>A silo in a process of its own.</summary>
internal sealed class SiloProcess : IDisposable
{
    private readonly Process _process;

    private SiloProcess(Process process, Uri address)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = address };
    }

    internal HttpClient Client { get; }

    /// <summary>Starts a silo and waits until it says that it serves.</summary>
    internal static async Task<SiloProcess> StartAsync(params string[] settings)
    {
        var url = $"http://127.0.0.1:{TwoSilos.FreePort()}";
        var program = Path.Combine(AppContext.BaseDirectory, "IommuCluster.Silo.dll");
        string[] all = [program, .. settings, $"HttpUrl={url}", $"SiloPort={TwoSilos.FreePort()}", $"GatewayPort={TwoSilos.FreePort()}", $"ScenarioPlace={AppContext.BaseDirectory}"];
        var process = Process.Start(new ProcessStartInfo("dotnet", all) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() })!; // Null only for what the shell opens.
        await Lines.WaitForAsync(process.StandardOutput, "iommucluster: serving");
        return new SiloProcess(process, new Uri(url));
    }

    /// <summary>Asks the process to end, as an orchestrator does.</summary>
    /// <returns>Its exit code.</returns>
    internal async Task<int> TerminateAsync()
    {
        Signals.Send(_process, "TERM");
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        return _process.ExitCode;
    }

    /// <summary>Kills the process, as a power cut would.</summary>
    internal async Task KillAsync()
    {
        Signals.Send(_process, "KILL");
        await _process.WaitForExitAsync();
    }

    /// <summary>Lets the process stand still where it is.</summary>
    internal void Pause() => Signals.Send(_process, "STOP");

    /// <summary>Lets it go on after a pause in which the others have given it up, and waits until it has heard of that.</summary>
    internal async Task GoOnAndEndAsync()
    {
        Signals.Send(_process, "CONT");
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
    }

    public void Dispose()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}

/// <summary>What a process writes.</summary>
internal static class Lines
{
    /// <summary>Reads until a line holds a text, and goes on reading what follows, so that the writer never waits.</summary>
    internal static async Task WaitForAsync(StreamReader reader, string text)
    {
        var seen = new List<string>();
        while (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(1)) is { } line)
        {
            seen.Add(line);
            if (line.Contains(text, StringComparison.Ordinal))
            {
                _ = reader.ReadToEndAsync();
                return;
            }
        }

        Assert.Fail($"The process ended without saying '{text}':\n{string.Join('\n', seen)}");
    }
}

/// <summary>Signals to processes.</summary>
internal static class Signals
{
    /// <summary>Sends a signal.</summary>
    internal static void Send(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }
}
