using System.Text.Json;
using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests.Cluster;

public sealed class StressCommandTests
{
    [Fact]
    public async Task Stress_OfACleanCase_BootsEverySocAndTellsRatesAndMemory()
    {
        using var line = RemoteCommandTests.WithBoard();

        var answer = await line.Run("stress", "remote", "--socs", "20", "--silos", "2", "--ping", "--json");

        var told = JsonSerializer.Deserialize<JsonElement>(answer.Out);
        Assert.Equal((0, string.Empty), (answer.Code, answer.Error));
        Assert.Equal((20, 0, 2, "as-expected"), (Number(told, "socs"), Number(told, "lost"), Number(told, "silos"), told.GetProperty("outcome").GetString()));
        Assert.True(Number(told, "steps") > 20 && told.GetProperty("steps-per-second").GetDouble() > 0);
        var pings = told.GetProperty("pings");
        Assert.Equal(pings.GetProperty("steps-per-second").GetDouble() / pings.GetProperty("pings-per-second").GetDouble(), pings.GetProperty("ratio").GetDouble(), 9);
        Assert.Equal(pings.GetProperty("cpu-a-ping").GetDouble() / pings.GetProperty("cpu-a-step").GetDouble(), pings.GetProperty("cpu-ratio").GetDouble(), 9);
        Assert.True(told.GetProperty("memory").GetProperty("allocated-a-soc").GetDouble() > 0);
    }

    [Fact]
    public async Task Stress_WhoseTimeIsUp_FinishesWhatHasBegunAndSaysSo()
    {
        using var line = RemoteCommandTests.WithBoard();

        var answer = await line.Run("stress", "remote", "--duration", "500ms", "--silos", "1", "--json");

        var told = JsonSerializer.Deserialize<JsonElement>(answer.Out);
        Assert.InRange(Number(told, "socs"), 1, 9_999_999);
        Assert.Equal((0, "as-expected", "budget-done"), (answer.Code, told.GetProperty("outcome").GetString(), told.GetProperty("coverage").GetString()));
        Assert.True(told.GetProperty("is-time-up").GetBoolean());
    }

    [Theory]
    [InlineData("--socs", "0", "--socs is '0': give a number from 1 to 10000000")]
    [InlineData("--silos", "33", "--silos is '33': give a number from 1 to 32")]
    [InlineData("--duration", "soon", "--duration is 'soon': ")]
    [InlineData("--case", "x", "there is no case 'x'; known: bug")]
    public async Task Stress_BadInput_SaysWhatIsWrong(string option, string value, string wanted)
    {
        using var line = new CommandLine();

        var answer = await line.Run("stress", "toy-race", option, value);

        Assert.Equal(2, answer.Code);
        Assert.Contains(wanted, answer.Error, StringComparison.Ordinal);
    }

    private static long Number(JsonElement element, string property) => element.GetProperty(property).GetInt64();
}
