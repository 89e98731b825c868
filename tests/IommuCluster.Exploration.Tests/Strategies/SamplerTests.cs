using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class SamplerTests
{
    private const int Budget = 10_000;

    public static TheoryData<string> Samplers => [.. StrategyCatalog.Names.Where(name => !StrategyCatalog.Ends(name))];

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Sampler_SameSeed_SameSchedules(string name)
    {
        Assert.Equal(Traces(StrategyCatalog.Create(name, 7, null), 300), Traces(StrategyCatalog.Create(name, 7, null), 300));
        Assert.NotEqual(Traces(StrategyCatalog.Create(name, 7, null), 300), Traces(StrategyCatalog.Create(name, 8, null), 300));
    }

    [Theory]
    [InlineData(StrategyCatalog.Random)]
    [InlineData(StrategyCatalog.Pos)]
    public void Sampler_WithoutMemory_MakesAScheduleFromItsNumberAlone(string name)
    {
        var all = Traces(StrategyCatalog.Create(name, 7, null), 50);
        var alone = StrategyCatalog.Create(name, 7, null);
        alone.BeginSchedule(49);
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        runtime.Run(alone, 49);

        Assert.Equal(all[^1], runtime.ToSchedule().Encode());
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Sampler_OfFixedM_ShowsNothing(string name)
    {
        var strategy = StrategyCatalog.Create(name, 1, null);
        var runtime = new DeterministicRuntime(Yardstick.M(true));
        for (var i = 0; i < 3_000; i++)
        {
            Assert.True(strategy.BeginSchedule(i));
            var end = runtime.Run(strategy, i);
            strategy.EndSchedule(end);
            Assert.Equal(ScheduleEnd.Completed, end);
            Assert.Empty(runtime.Sightings);
        }
    }

    [Theory]
    [InlineData("S")]
    [InlineData("M")]
    [InlineData("H")]
    [InlineData("L")]
    public void Portfolio_FindsEveryYardstickWithinTenThousandSchedules(string program)
    {
        for (var seed = 1UL; seed <= 20; seed++)
        {
            Assert.InRange(FirstBug(new Portfolio(seed), Yardstick.Of(program)), 1, Budget);
        }
    }

    [Fact]
    public void Portfolio_MovesEffortTowardsWhatFindsNewBehaviour()
    {
        // Whoever never switches finds nothing new in two threads that race; the random walk does, in its first round.
        var portfolio = new Portfolio([new InTurn(), new RandomWalk(1)]);
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        for (var i = 0; i <= Portfolio.RoundLength; i++)
        {
            portfolio.BeginSchedule(i);
            portfolio.EndSchedule(runtime.Run(portfolio, i));
        }

        var (idle, busy) = (portfolio.Shares[0].Schedules, portfolio.Shares[1].Schedules);
        Assert.True(idle < busy, $"{idle} / {busy}");
        Assert.True(idle >= Portfolio.RoundLength / 4);
        Assert.Equal(Portfolio.RoundLength, idle + busy);
    }

    private static int FirstBug(IStrategy strategy, Workload program)
    {
        var runtime = new DeterministicRuntime(program);
        for (var i = 0; i < Budget; i++)
        {
            strategy.BeginSchedule(i);
            strategy.EndSchedule(runtime.Run(strategy, i));
            if (runtime.Sightings.Any(sighting => !sighting.Finding.IsRace))
            {
                return i + 1;
            }
        }

        return Budget + 1;
    }

    private static List<string> Traces(IStrategy strategy, int schedules)
    {
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        var traces = new List<string>();
        for (var i = 0; i < schedules; i++)
        {
            strategy.BeginSchedule(i);
            strategy.EndSchedule(runtime.Run(strategy, i));
            traces.Add(runtime.ToSchedule().Encode());
        }

        return traces;
    }
}
