using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests;

/// <summary>Bad input is a message and exit code 2, never a stack trace.</summary>
public sealed class BadInputTests
{
    public static TheoryData<string[], string> Lines => new()
    {
        { [], "Required command" },
        { ["runn"], "runn" },
        { ["run"], "Required argument missing" },
        { ["run", "toy-rake"], "toy-rake: no such scenario; did you mean 'toy-race'?" },
        { ["run", "toy-race", "--on", "moon"], "moon" },
        { ["explore", "toy-race", "--strategy", "randum"], "randum" },
        { ["explore", "toy-race", "--schedules", "0"], "--schedules is '0'" },
        { ["explore", "toy-race", "--schedules", "many"], "--schedules is 'many': give a number from 1 to" },
        { ["explore", "toy-race", "--time", "soon"], "write a number with ms, s, m or h" },
        { ["explore", "toy-race", "--case", "bugg"], "there is no case 'bugg'; known: bug" },
        { ["explore", "toy-race", "--profile", "linux-6.7"], "there is no such profile" },
        { ["replay", "gibberish"], "no replay token" },
        { ["replay", "toy-race/bug/00000000/."], "the token was made for another state of case bug" },
        { ["replay", "toy-race/bugg/00000000/."], "there is no case 'bugg'" },
        { ["replay", "missing.schedule"], "no such file" },
        { ["run", "toy-race", "--boots", "5"], "--boots is for a cluster: leave it away, or add --on cluster" },
        { ["run", "toy-race", "--on", "cluster", "--boots", "0"], "--boots is '0': give a number from 1 to" },
        { ["run", "toy-race", "--on", "process", "--cluster", "127.0.0.1:30000"], "--on process and --cluster exclude each other" },
        { ["run", "toy-race", "--on", "cluster", "--output", "findings"], "--output is not there on a cluster" },
        { ["run", "toy-race", "--output", "/proc/self/nowhere"], "--output /proc/self/nowhere: " },
        { ["explore", "toy-race", "--smaller"], "give --output as well" },
        { ["explore", "toy-race", "-n", "100", "--checkpoint", "."], "no checkpoint: it is a directory" },
        { ["explore", "toy-race", "-n", "100", "--checkpoint", "/proc/self/nowhere/run"], "--checkpoint /proc/self/nowhere/run: " },
        { ["explore", "toy-race", "--strategy", "random", "--context-bound", "2"], "--context-bound with strategy random: only states keeps to a number of preemptions" },
        { ["replay", "toy-race/bug/00000000/.", "--from", "3", "--decide"], "--from and --decide exclude each other" },
        { ["replay", "toy-race/bug/00000000/.", "--decide", "--json"], "--trace and --json tell of a replay" },
        { ["replay", "toy-race/bug/00000000/.", "--decide", "--schedules", "1"], "--schedules is '1': give a number from 2 on" },
        { ["replay", "toy-race/bug/00000000/.", "--schedules", "9"], "--schedules goes with --from or --decide" },
        { ["replay", "toy-race/bug/00000000/.", "--on", "cluster", "--trace"], "--trace is not there on a cluster" },
        { ["stress", "toy-race", "--silos", "2", "--cluster", "127.0.0.1:30000"], "leave one of them away" },
        { ["boards", "list", "--json"], "--json is for run, explore, replay and stress" },
        { ["profiles", "diff", "linux-6.6", "linux-6.8", "--json"], "--json is for run, explore, replay and stress" },
        { ["serve", "--json"], "--json is for run, explore, replay and stress" },
        { ["boards", "show", "toi"], "did you mean 'toy'?" },
        { ["boards", "import", "missing.dtb"], "missing.dtb: no such file; give a file that can be read" },
        { ["profiles", "show", "linux"], "there is no such profile" },
        { ["profiles", "diff", "linux-6.6"], "Required argument missing" },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public async Task Line_ThatIsWrong_AnswersTwoAndSaysWhy(string[] args, string message)
    {
        using var line = new CommandLine();

        var answer = await line.Run(args);

        Assert.Equal(2, answer.Code);
        Assert.Contains(message, answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ScenarioWithMistakes_TellsThemAllWithTheirPlace()
    {
        using var line = new CommandLine();
        line.Write("broken", "title: x\nboard: toi\ncases: { a: { profile: linux-9, expect: clan } }\n");

        var answer = await line.Run("run", "broken");

        Assert.Equal(2, answer.Code);
        Assert.Equal(
            [":2:8: board 'toi': no such board", ":3:24: profile 'linux-9' is unknown", ":3:41: expect is neither clean nor a list"],
            answer.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(each => each[each.IndexOf(".yaml", StringComparison.Ordinal)..].Split(';')[0][5..]).ToArray());
    }
}
