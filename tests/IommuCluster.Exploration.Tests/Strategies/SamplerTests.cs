using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class SamplerTests
{
    public static TheoryData<string> Samplers => [.. StrategyCatalog.Names.Where(name => !StrategyCatalog.Ends(name)).SelectMany(name => StrategyCatalog.SamplersOf(name)).Distinct()];

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Sampler_SameSeed_SameSchedules(string name)
    {
        Assert.Equal(Traces(StrategyCatalog.CreateSampler(name, 7), 300), Traces(StrategyCatalog.CreateSampler(name, 7), 300));
        Assert.NotEqual(Traces(StrategyCatalog.CreateSampler(name, 7), 300), Traces(StrategyCatalog.CreateSampler(name, 8), 300));
    }

    [Theory]
    [InlineData(StrategyCatalog.Random)]
    [InlineData(StrategyCatalog.Pos)]
    public void Sampler_WithoutMemory_MakesAScheduleFromItsNumberAlone(string name)
    {
        var all = Traces(StrategyCatalog.CreateSampler(name, 7), 50);
        var alone = StrategyCatalog.CreateSampler(name, 7);
        alone.BeginSchedule(49);
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        runtime.Run(alone, 49);

        Assert.Equal(all[^1], runtime.ToSchedule().Encode());
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Sampler_OfFixedM_ShowsNothing(string name)
    {
        var strategy = StrategyCatalog.CreateSampler(name, 1);
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
