using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Runs;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Runs;

public sealed class OrderReaderTests
{
    [Fact]
    public void Read_NameAndCase_FindsBoth()
    {
        var read = Toy.Orders.Read(new RunOrder { Scenario = "s21-fwspec-race", Case = "bug@linux-6.8", Schedules = 7, Seed = 3 });

        var found = Assert.Single(read.Cases);
        Assert.Equal(("bug@linux-6.8", 7L, 3UL), (found.Name, found.Explore.Schedules, found.Explore.Seed));
    }

    [Fact]
    public void Read_Text_IsCalledAsTheOrderSays() =>
        Assert.Equal(["submitted", "mine"], new[] { null, "mine" }.Select(name => Toy.Orders.Read(new RunOrder { Scenario = name, Text = Toy.Text }).Scenario.Name));

    [Fact]
    public void Read_NothingNamed_SaysWhatThereIs() => Assert.Contains("s21-fwspec-race", Error(new RunOrder()), StringComparison.Ordinal);

    [Fact]
    public void Read_TwoWaysAtOnce_AreRefused() =>
        Assert.Equal("order: boots, socs, schedules and replay exclude each other; give one of them", Error(new RunOrder { Scenario = "s21-fwspec-race", Boots = 1, Schedules = 1 }));

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(OrderReader.MaxBoots + 1)]
    public void Read_BootsOutOfRange_AreRefused(long boots) =>
        Assert.Equal($"order: boots is {boots}; give a number from 1 to 10000000", Error(new RunOrder { Scenario = "s21-fwspec-race", Boots = boots }));

    [Fact]
    public void Read_Time_ReplacesTheBudgetOfTheFileAndGoesWithAnother()
    {
        var (alone, both) = (Explore(new RunOrder { Text = Toy.Text, Time = "90s" }), Explore(new RunOrder { Text = Toy.Text, Time = "2m", Schedules = 7 }));

        Assert.Equal((null, TimeSpan.FromSeconds(90)), (alone.Schedules, alone.Time));
        Assert.Equal((7, TimeSpan.FromMinutes(2)), (both.Schedules, both.Time));
    }

    [Fact]
    public void Read_TimeThatIsNone_SaysHowToWriteIt() =>
        Assert.Equal("order: time is 'soon'; write a number with ms, s, m or h: 90s", Error(new RunOrder { Text = Toy.Text, Socs = 5, Time = "soon" }));

    [Fact]
    public void Read_TextThatAsksForMoreThanThereIs_IsRefused() =>
        Assert.Equal(
            "order: schedules of case bug is 9000000000000000000; give a number from 1 to 1000000000",
            Error(new RunOrder { Text = Toy.Text.Replace("5000", "9000000000000000000", StringComparison.Ordinal) }));

    [Fact]
    public void Read_PathOfAFile_IsNoScenario()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, Toy.Text);

        Assert.StartsWith($"{file}: no such scenario;", Error(new RunOrder { Scenario = file }), StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public void Read_TextThatNamesAFile_OpensNone()
    {
        var board = Directory.EnumerateFiles(Path.Combine(Toy.Orders.Directory!, "boards"), "*.yaml").First();

        var error = Error(new RunOrder { Text = Toy.Text.Replace("sc8180x-primus", board, StringComparison.Ordinal) });

        Assert.Contains($"board '{board}': no such board", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TextWithMistakes_SaysLineAndColumn() =>
        Assert.Contains("submitted:3:11: board sc8180x-primus has no master 'nothing'", Error(new RunOrder { Text = Toy.Text.Replace("2c6a000.gmu", "nothing", StringComparison.Ordinal) }), StringComparison.Ordinal);

    [Fact]
    public void Read_TokenOfAnotherState_IsRefused() =>
        Assert.Contains("the token was made for another state of case bug", Error(new RunOrder { Replay = "s21-fwspec-race/bug/00000000/." }), StringComparison.Ordinal);

    private static ExploreSettings Explore(RunOrder order) => Toy.Orders.Read(order).Cases[0].Explore;

    private static string Error(RunOrder order) => Assert.Throws<ScenarioException>(() => Toy.Orders.Read(order)).Message;
}
