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

    [Fact]
    public async Task Explore_Smaller_PutsAScenarioThatShowsTheFindingIntoTheFolderOfEachConsequence()
    {
        using var line = new CommandLine();

        await line.Run("explore", "toy-race", "-n", "50", "--output", line.PathOf("out"), "--smaller");

        var written = Directory.GetFiles(line.PathOf("out"), "smaller.yaml", SearchOption.AllDirectories);
        var answers = new List<Answer>();
        foreach (var scenario in written)
        {
            answers.Add(await line.Run("run", scenario));
        }

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal((0, string.Empty), (answer.Code, answer.Error)));
        Assert.All(answers, answer => Assert.Contains("as expected", answer.Out, StringComparison.Ordinal));
    }
}
