using IommuCluster.Silo.Runs;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Runs;

/// <summary>Many SoCs by free concurrency: each counts once, whatever is lost on the way.</summary>
[Collection(RunCluster.Collection)]
public sealed class SocRunsTests
{
    private static readonly RunOrder s_order = new() { Scenario = "s21-fwspec-race", Case = "fix", Socs = 600 };

    [Fact]
    public async Task Socs_OfACaseThatIsClean_AllBootOnceOverAllSilos()
    {
        await using var cluster = await RunCluster.StartAsync(silos: 3);

        var end = await (await cluster.SubmitAsync(s_order with { Socs = 50 })).EndAsync();

        Assert.Equal((RunPhase.Completed, null), (end.Phase, end.Error));
        Assert.Equal((50, 0, "as-expected"), (end.Cases[0].Done, end.Cases[0].Lost, end.Cases[0].Outcome));
    }

    [Fact]
    public async Task Socs_OfACaseThatExpectsAFinding_GoOnAfterIt()
    {
        await using var cluster = await RunCluster.StartAsync(silos: 1);

        var end = await (await cluster.SubmitAsync(new RunOrder { Text = Toy.Text, Case = "bug", Socs = 64 })).EndAsync();

        Assert.Equal(64, end.Cases[0].Done);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Socs_WhileASiloIsKilled_AreLostBootedAgainAndCountedOnce(bool killsTheCoordinator)
    {
        await using var cluster = await RunCluster.StartAsync(silos: 3);

        var end = await cluster.BootWhileASiloIsKilledAsync(s_order, killsTheCoordinator);

        Assert.Equal((600, "as-expected"), (end.Cases[0].Done, end.Cases[0].Outcome));
        Assert.InRange(end.Cases[0].Lost, 1, 600);
    }
}
