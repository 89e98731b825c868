using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests;

public sealed class ExploreCommandTests
{
    [Fact]
    public async Task Explore_Finding_AnswersOne()
    {
        using var line = new CommandLine();

        var answer = await line.Run("explore", "toy-race", "-n", "50", "--seed", "3");

        Assert.Equal(1, answer.Code);
        Assert.Contains("sampled: 50 schedules", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_FixedByStates_IsExhaustedAndClean()
    {
        using var line = new CommandLine { IsFixed = true };

        var answer = await line.Run("explore", "toy-race", "--strategy", "states");

        Assert.Equal(0, answer.Code);
        Assert.Contains("bug (linux-6.6): clean; exhausted", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explore_WithContextBound_SaysUpToWhere()
    {
        using var line = new CommandLine { IsFixed = true };

        var answer = await line.Run("explore", "toy-race", "--strategy", "states", "--context-bound", "0");

        Assert.Contains("exhausted up to 0 preemptions", answer.Out, StringComparison.Ordinal);
    }
}
