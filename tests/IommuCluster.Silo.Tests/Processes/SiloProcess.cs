using System.Diagnostics;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Tests.Support;
using Xunit.Abstractions;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>A silo in a process of its own.</summary>
internal sealed class SiloProcess : IDisposable
{
    private readonly Process _process;
    private readonly ITestOutputHelper _output;
    private readonly Lines _lines;

    private SiloProcess(Process process, ITestOutputHelper output, Uri address, int gateway)
    {
        _process = process;
        _output = output;
        _lines = new Lines(process.StandardOutput);
        Client = new HttpClient { BaseAddress = address };
        Gateway = $"127.0.0.1:{gateway}";
    }

    internal HttpClient Client { get; }

    /// <summary>Where clients of the cluster connect.</summary>
    internal string Gateway { get; }

    /// <summary>Starts a silo and waits until it says that it serves.</summary>
    /// <param name="output">Is told all that the silo wrote, when it is over: shown with a test that failed.</param>
    /// <param name="settings">The settings that are not the same for all.</param>
    internal static async Task<SiloProcess> StartAsync(ITestOutputHelper output, params string[] settings)
    {
        var url = $"http://127.0.0.1:{FreePorts.One()}";
        var gateway = FreePorts.One();
        var program = Path.Combine(AppContext.BaseDirectory, "IommuCluster.Silo.dll");
        string[] all = [program, $"HttpUrl={url}", $"SiloPort={FreePorts.One()}", $"GatewayPort={gateway}", $"ScenarioPlace={AppContext.BaseDirectory}", .. settings];
        var start = new ProcessStartInfo("dotnet", all) { RedirectStandardOutput = true, WorkingDirectory = Path.GetTempPath() };
        start.Environment["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ";
        var silo = new SiloProcess(Process.Start(start)!, output, new Uri(url), gateway); // Null only for what the shell opens.
        await silo._lines.WaitForAsync("iommucluster: serving");
        return silo;
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

        _output.WriteLine($"--- {Client.BaseAddress}, process {_process.Id}");
        _output.WriteLine(_lines.All());
        _process.Dispose();
    }
}

/// <summary>What a process writes. It is read all the time, so that the writer never waits.</summary>
internal sealed class Lines
{
    private readonly List<string> _seen = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOver;

    internal Lines(StreamReader reader) => _ = ReadAsync(reader);

    /// <summary>Waits until a line holds a text.</summary>
    internal async Task WaitForAsync(string text)
    {
        while (true)
        {
            Task news;
            lock (_seen)
            {
                if (_seen.Exists(line => line.Contains(text, StringComparison.Ordinal)))
                {
                    return;
                }

                Assert.False(_isOver, $"The process ended without saying '{text}':\n{string.Join('\n', _seen)}");
                news = _news.Task;
            }

            await news.WaitAsync(TimeSpan.FromMinutes(1));
        }
    }

    /// <summary>All that was written so far.</summary>
    internal string All()
    {
        lock (_seen)
        {
            return string.Join('\n', _seen);
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        string? line;
        do
        {
            line = await reader.ReadLineAsync();
            lock (_seen)
            {
                _seen.AddRange(line is null ? [] : [line]);
                _isOver = line is null;
                _news.SetResult();
                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
        while (line is not null);
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
