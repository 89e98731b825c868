using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests;

public sealed class ReplayCommandTests
{
    [Fact]
    public async Task Replay_WithTrace_IsByteIdenticalEachTime()
    {
        using var line = new CommandLine();
        var token = (await line.Run("run", "toy-race")).Token;

        var (one, two) = (await line.Run("replay", token, "--trace"), await line.Run("replay", token, "--trace"));

        Assert.Equal(1, one.Code);
        Assert.Equal(one, two);
        Assert.Contains("      0  init", one.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_TokenInAFile_IsTheSame()
    {
        using var line = new CommandLine();
        var token = (await line.Run("run", "toy-race")).Token;
        await File.WriteAllTextAsync(line.PathOf("a.schedule"), $"# a comment\n\n{token}\n");

        Assert.Equal(await line.Run("replay", token), await line.Run("replay", line.PathOf("a.schedule")));
    }

    [Fact]
    public async Task Replay_FileWithTwoTokens_IsRefused()
    {
        using var line = new CommandLine();
        await File.WriteAllTextAsync(line.PathOf("a.schedule"), "a/b/12345678/.\na/b/12345678/.\n");

        var answer = await line.Run("replay", line.PathOf("a.schedule"));

        Assert.Equal(2, answer.Code);
        Assert.Contains("2 tokens", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_ScheduleThatDoesNotFit_AnswersFive()
    {
        using var line = new CommandLine();
        var token = (await line.Run("run", "toy-race")).Token;
        using var patched = new CommandLine { IsFixed = true };

        var answer = await patched.Run("replay", token[..(token.LastIndexOf('/') + 1)] + "ACg");

        Assert.Equal(5, answer.Code);
        Assert.Contains("the replay diverged", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_TokenOfAnotherEra_NamesTheEra()
    {
        using var line = new CommandLine();
        var token = (await line.Run("explore", "toy-race", "--profile", "linux-6.2")).Token;

        Assert.Contains("/bug@linux-6.2/", token, StringComparison.Ordinal);
        Assert.Equal(1, (await line.Run("replay", token)).Code);
    }

    [Fact]
    public async Task Replay_Decide_TellsTheStepThatDecided()
    {
        using var line = new CommandLine();
        var token = (await line.Run("run", "toy-race")).Token;

        var answer = await line.Run("replay", token, "--decide");

        Assert.Equal(1, answer.Code);
        Assert.Matches(@"^step \d+ decided: [AB]0: ", answer.Out);
        Assert.EndsWith("random schedules; from then on certain (exhausted)\n", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_FromTheStart_IsOpen()
    {
        using var line = new CommandLine();
        var token = (await line.Run("run", "toy-race")).Token;

        var answer = await line.Run("replay", token, "--from", "0", "-n", "400");

        Assert.Contains("not certain (exhausted)", answer.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--from", "100000")]
    [InlineData("--from", "-1")]
    public async Task Replay_BadStepBack_IsRefused(string option, string value)
    {
        using var line = new CommandLine();
        var token = (await line.Run("run", "toy-race")).Token;

        var answer = await line.Run("replay", token, option, value);

        Assert.Equal(2, answer.Code);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
    }
}
