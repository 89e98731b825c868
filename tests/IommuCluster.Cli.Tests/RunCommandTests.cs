using System.Text.Json;
using IommuCluster.Cli.Tests.Support;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

namespace IommuCluster.Cli.Tests;

public sealed class RunCommandTests
{
    [Fact]
    public async Task Run_AsExpected_AnswersZeroAndTellsFindings()
    {
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race");

        Assert.Equal((0, string.Empty), (answer.Code, answer.Error));
        Assert.Contains("toy-race: a toy that breaks", answer.Out, StringComparison.Ordinal);
        Assert.Contains("bug (linux-6.6): as expected; sampled: 200 schedules", answer.Out, StringComparison.Ordinal);
        Assert.Contains("BUG: KASAN: slab-use-after-free", answer.Out, StringComparison.Ordinal);
        Assert.Contains("CPU0", answer.Out, StringComparison.Ordinal);
        Assert.Contains("replay: iommucluster replay toy-race/bug/", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NotAsExpected_AnswersOne()
    {
        using var line = new CommandLine { IsFixed = true };

        var answer = await line.Run("run", "toy-race");

        Assert.Equal(1, answer.Code);
        Assert.Contains("! expected, not seen: use-after-free", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Twice_PrintsTheSameButForTheTime()
    {
        using var line = new CommandLine();

        var (one, two) = (await line.Run("run", "toy-race"), await line.Run("run", "toy-race"));

        static string WithoutTime(Answer answer) => System.Text.RegularExpressions.Regex.Replace(answer.Out, @"\d+\.\d s\)", "s)", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));
        Assert.Equal(WithoutTime(one), WithoutTime(two));
    }

    [Fact]
    public async Task Run_Quiet_PrintsVerdictsOnly()
    {
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race", "--quiet");

        Assert.Equal(2, answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Run_Json_PrintsOneDocument()
    {
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race", "--json");

        using var json = JsonDocument.Parse(answer.Out);
        Assert.Equal("toy-race", json.RootElement.GetProperty("scenario").GetString());
        var first = json.RootElement.GetProperty("cases")[0];
        Assert.Equal("as-expected", first.GetProperty("outcome").GetString());
        Assert.Equal(200, first.GetProperty("schedules").GetInt64());
        Assert.All(first.GetProperty("consequences").EnumerateArray(), each => Assert.Equal("expected", each.GetProperty("standing").GetString()));
    }

    [Fact]
    public async Task Run_Output_WritesAFolderAFinding()
    {
        using var line = new CommandLine();

        await line.Run("run", "toy-race", "--quiet", "--output", line.PathOf("out"));

        var folders = Directory.GetDirectories(line.PathOf("out/toy-race/bug"));
        Assert.NotEmpty(folders);
        foreach (var folder in folders)
        {
            Assert.Equal(["finding.json", "finding.schedule", "report.txt", "reproduce.sh"], Directory.GetFiles(folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal).ToArray());
            using var json = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "finding.json")));
            Assert.Equal(Path.GetFileName(folder), json.RootElement.GetProperty("finding").GetProperty("id").GetString());
            var replayed = await line.Run("replay", Path.Combine(folder, "finding.schedule"));
            Assert.Contains(replayed.Code, (int[])[0, 1]);
        }
    }

    [Fact]
    public async Task Run_Interrupted_AnswersOneHundredAndThirty()
    {
        using var line = new CommandLine();
        using var interrupted = new CancellationTokenSource();
        await interrupted.CancelAsync();

        var answer = await line.Run(interrupted.Token, "run", "toy-race");

        Assert.Equal(130, answer.Code);
    }

#if ORLEANS
    [Fact]
    public async Task Run_OnCluster_JudgesBootsByFreeConcurrency()
    {
        using var line = new CommandLine { IsFixed = true };

        var answer = await line.Run("run", "toy-race", "--on", "cluster", "--boots", "3");

        Assert.Contains("toy-race: bug (linux-6.6): NOT AS EXPECTED; sampled: 3 schedules (free concurrency on the cluster", answer.Out, StringComparison.Ordinal);
        Assert.Equal(1, answer.Code);
    }

    [Fact]
    public async Task Replay_OnCluster_EndsAsInOneProcess()
    {
        using var line = new CommandLine();
        var told = (await line.Run("run", "toy-race")).Out;
        var token = System.Text.RegularExpressions.Regex.Match(told, @"replay: iommucluster replay (\S+)", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)).Groups[1].Value;

        var answer = await line.Run("replay", token, "--on", "cluster");

        Assert.Contains("the same end and state as in one process", answer.Out, StringComparison.Ordinal);
        Assert.Equal(1, answer.Code);
    }
#else
    [Fact]
    public async Task Run_OnCluster_SaysThatItWasLeftOut()
    {
        using var line = new CommandLine();

        var answer = await line.Run("run", "toy-race", "--on", "cluster");

        Assert.Equal(2, answer.Code);
        Assert.StartsWith("iommucluster: the cluster was left out of this build", answer.Error, StringComparison.Ordinal);
    }
#endif
}
