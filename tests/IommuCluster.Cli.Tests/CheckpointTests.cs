using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests;

public sealed partial class CheckpointTests
{
    [Fact]
    public async Task Explore_GoneOnWith_TellsWhatOneRunTells()
    {
        using var line = new CommandLine();
        var whole = await line.Run("explore", "toy-race", "--strategy", "portfolio", "-n", "600");

        await line.Run("explore", "toy-race", "--strategy", "portfolio", "-n", "288", "--checkpoint", line.PathOf("run")); // The end of a round of the whole run, too.
        var resumed = await line.Run("explore", "toy-race", "--strategy", "portfolio", "-n", "600", "--checkpoint", line.PathOf("run"));

        Assert.Equal((1, Untimed(whole.Out)), (resumed.Code, Untimed(resumed.Out)));
    }

    [Theory]
    [InlineData("states", false)]
    [InlineData("states", true)]
    [InlineData("deepening", true)]
    [InlineData("dpor", true)]
    [InlineData("lazy-dpor", true)]
    public async Task Explore_SearchGoneOnWith_ExhaustsWhatOneRunExhausts(string search, bool isFixed)
    {
        using var line = new CommandLine { IsFixed = isFixed };
        var whole = await line.Run("explore", "toy-race", "--strategy", search, "--json");

        string[] resuming = ["explore", "toy-race", "--strategy", search, "--json", "--checkpoint", line.PathOf("run")];
        await line.Run([.. resuming, "-n", "1"]);
        await line.Run([.. resuming, "-n", "2"]);
        var resumed = await line.Run(resuming);

        Assert.Equal(Untimed(whole.Out), Untimed(resumed.Out));
        Assert.Contains("\"coverage\": \"exhausted\"", whole.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_WhereItEnded_TellsItAgain()
    {
        using var line = new CommandLine();
        var once = await line.Run("explore", "toy-race", "-n", "300", "--checkpoint", line.PathOf("run"));
        var again = await line.Run("explore", "toy-race", "-n", "300", "--checkpoint", line.PathOf("run"));

        Assert.Equal(Untimed(once.Out), Untimed(again.Out));
    }

    [Theory]
    [InlineData("--seed", "2")]
    [InlineData("--strategy", "pct")]
    [InlineData("--profile", "linux-6.8")]
    public async Task Explore_CheckpointOfAnotherRun_IsRefused(string option, string value)
    {
        using var line = new CommandLine();
        await line.Run("explore", "toy-race", "-n", "100", "--checkpoint", line.PathOf("run"));

        var answer = await line.Run("explore", "toy-race", "-n", "100", "--checkpoint", line.PathOf("run"), option, value);

        Assert.Equal(2, answer.Code);
        Assert.Contains("the checkpoint is of another run", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}\n")]
    [InlineData("no json\nat all\n")]
    [InlineData("{\"made-for\":null,\"build\":\"\",\"elapsed-ms\":0}\n{}\n")]
    public async Task Explore_FileThatIsNoCheckpoint_IsRefused(string content)
    {
        using var line = new CommandLine();
        await File.WriteAllTextAsync(line.PathOf("run"), content);

        var answer = await line.Run("explore", "toy-race", "-n", "100", "--checkpoint", line.PathOf("run"));

        Assert.Equal(2, answer.Code);
        Assert.Contains("no checkpoint", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_CheckpointCutOff_IsRefused()
    {
        using var line = new CommandLine();
        await line.Run("explore", "toy-race", "-n", "100", "--checkpoint", line.PathOf("run"));
        var bytes = await File.ReadAllBytesAsync(line.PathOf("run"));
        await File.WriteAllBytesAsync(line.PathOf("run"), bytes[..(bytes.Length / 2)]);

        var answer = await line.Run("explore", "toy-race", "-n", "100", "--checkpoint", line.PathOf("run"));

        Assert.Equal(2, answer.Code);
        Assert.Contains("no checkpoint", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("states")]
    [InlineData("dpor")]
    [InlineData("lazy-dpor")]
    public async Task Explore_CheckpointOfASearchDamaged_IsRefused(string search)
    {
        using var line = new CommandLine { IsFixed = true };
        string[] resuming = ["explore", "toy-race", "--strategy", search, "--checkpoint", line.PathOf("run")];
        await line.Run([.. resuming, "-n", "1"]);
        await using (var file = File.OpenWrite(line.PathOf("run")))
        {
            file.SetLength(file.Length - 3);
        }

        var answer = await line.Run([.. resuming, "-n", "2"]);

        Assert.Equal(2, answer.Code);
        Assert.Contains("no checkpoint", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_SaturationOfASearch_IsRefused()
    {
        using var line = new CommandLine();

        var answer = await line.Run("explore", "toy-race", "--strategy", "states", "--saturation", "100");

        Assert.Equal(2, answer.Code);
        Assert.Contains("a search ends when nothing is left", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_Saturation_SaysSo()
    {
        using var line = new CommandLine();

        var answer = await line.Run("explore", "toy-race", "--strategy", "portfolio", "--saturation", "1000");

        Assert.Contains("saturated: nothing new since schedule ", answer.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("portfolio", 3)]
    [InlineData("states", 2)]
    [InlineData("dpor", 3)]
    public async Task Explore_KilledAndGoneOnWith_CoversWhatAnUninterruptedRunCovers(string strategy, int kills)
    {
        using var line = new CommandLine();
        var file = line.PathOf("killed");
        for (var kill = 0; kill < kills; kill++)
        {
            // SIGKILL as soon as it has got further than the one before, wherever in the next round that is.
            var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var watcher = new FileSystemWatcher(Path.GetDirectoryName(file)!) { EnableRaisingEvents = true };
            watcher.Renamed += (_, change) => _ = change.FullPath == file && written.TrySetResult();
            using var process = Start(strategy, "--schedules", "1000000000", "--checkpoint", file);
            Assert.Same(written.Task, await Task.WhenAny(written.Task, process.WaitForExitAsync()));
            process.Kill();
            await process.WaitForExitAsync();
            Assert.Equal(128 + 9, process.ExitCode);
        }

        var budget = (SchedulesIn(file) + 500).ToString(CultureInfo.InvariantCulture);
        using var resumed = Start(strategy, "--schedules", budget, "--checkpoint", file);
        using var uninterrupted = Start(strategy, "--schedules", budget, "--cores", "1");
        var told = await resumed.StandardOutput.ReadToEndAsync();
        Assert.Equal(Untimed(await uninterrupted.StandardOutput.ReadToEndAsync()), Untimed(told));
        Assert.Contains($"\"schedules\": {budget}", told, StringComparison.Ordinal);
    }

    private static Process Start(string strategy, params string[] args) => Process.Start(new ProcessStartInfo(
        "dotnet",
        [Path.Combine(AppContext.BaseDirectory, "iommucluster.dll"), "explore", "s21-fwspec-race", "--strategy", strategy, "--json", .. args]) { RedirectStandardOutput = true })!;

    private static long SchedulesIn(string checkpoint) =>
        long.Parse(Schedules().Match(File.ReadLines(checkpoint).ElementAt(1)).Groups[1].Value, CultureInfo.InvariantCulture);

    private static string Untimed(string text) => Seconds().Replace(text, "T");

    [GeneratedRegex("""^{"round":\d+,"seen":{"schedules":(\d+),""")]
    private static partial Regex Schedules();

    [GeneratedRegex(@"\d+\.\d+ s|""seconds"": [\d.]+")]
    private static partial Regex Seconds();
}
