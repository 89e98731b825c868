using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests;

public sealed class CatalogueCommandTests
{
    [Fact]
    public async Task BoardsList_Folder_ListsNames()
    {
        using var line = new CommandLine();

        Assert.Equal(new Answer(0, "toy\n", string.Empty), await line.Run("boards", "list"));
    }

    [Fact]
    public async Task BoardsShow_Board_TellsMasters()
    {
        using var line = new CommandLine();

        Assert.Contains("2000.ufs", (await line.Run("boards", "show", "toy")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProfilesList_All_OldestFirst()
    {
        using var line = new CommandLine();

        Assert.StartsWith("linux-4.15 ", (await line.Run("profiles", "list")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ProfilesDiff_TwoEras_TellsOnlyWhatDiffers()
    {
        using var line = new CommandLine();

        var answer = await line.Run("profiles", "diff", "linux-6.1-rc7", "linux-6.2");

        Assert.Equal(3, answer.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("Release", answer.Out, StringComparison.Ordinal);
        Assert.Contains("ProbeLock", answer.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("run", "--help")]
    [InlineData("explore", "--help")]
    [InlineData("replay", "--help")]
    [InlineData("boards", "import", "--help")]
    public async Task Help_OfVerb_TellsUsage(params string[] args)
    {
        using var line = new CommandLine();

        var answer = await line.Run(args);

        Assert.Equal(0, answer.Code);
        Assert.Contains("Usage:", answer.Out, StringComparison.Ordinal);
    }
}
