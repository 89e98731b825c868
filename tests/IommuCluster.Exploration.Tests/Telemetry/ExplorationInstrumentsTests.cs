using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Telemetry;

public sealed class ExplorationInstrumentsTests
{
    [Fact]
    public void Page_Instruments_AreThoseOfTheMeter()
    {
        using var instruments = new ExplorationInstruments();
        using var heard = new Heard(instruments.Meter);

        Assert.Equal(TelemetryPage.Of(ExplorationInstruments.MeterName).Order(StringComparer.Ordinal), heard.Described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Ended_ManySchedules_SumToWhatTheRuntimeCounted()
    {
        using var instruments = new ExplorationInstruments();
        using var heard = new Heard(instruments.Meter);
        var runtime = new DeterministicRuntime(Yardstick.M(@fixed: false), new RuntimeOptions { Observer = instruments });
        var (oopsed, sightings, steps) = (0, 0, 0L);
        var strategy = new RandomWalk(1);
        for (var number = 0; number < 300; number++)
        {
            strategy.BeginSchedule(number);
            oopsed += runtime.Run(strategy, number) == ScheduleEnd.Oopsed ? 1 : 0;
            sightings += runtime.Sightings.Count;
            steps += runtime.Trace.Count;
        }

        Assert.Equal((300, oopsed, sightings, steps), (
            heard.Sum("iommucluster.schedules"),
            heard.Sum("iommucluster.schedules", "iommucluster.schedule.end=oopsed"),
            heard.Sum("iommucluster.findings"),
            heard.Sum("iommucluster.steps")));
        Assert.InRange(oopsed, 1, 299);
    }

    [Theory]
    [InlineData(false, 0, 0)] // T0 from its start to its end, then T1.
    [InlineData(true, 1, 3)] // T1 asks for the lock; T0 takes it, stores, gives it back.
    public void Ended_LocksOfASchedule_AreCountedByClass(bool overlap, int contentions, int steps)
    {
        using var instruments = new ExplorationInstruments();
        using var heard = new Heard(instruments.Meter);
        var box = Box.At(1);
        var program = Programs.Of(
            async t =>
            {
                await t.Lock(box.A);
                await t.Store(box.X, 1UL);
                await t.Unlock(box.A);
            },
            async t =>
            {
                await t.Store(box.Y, 1UL);
                await t.Lock(box.A);
                await t.Unlock(box.A);
            });

        IStrategy strategy = overlap ? new Scripted(1, 0) : new InTurn();
        strategy.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Completed, new DeterministicRuntime(program, new RuntimeOptions { Observer = instruments }).Run(strategy, 0));

        Assert.Equal(
            (2, contentions, steps, contentions),
            (heard.Sum("iommucluster.lock.acquisitions"), heard.Sum("iommucluster.lock.contentions"), heard.Sum("iommucluster.lock.wait.steps"), heard.Count("iommucluster.lock.wait.steps")));
        Assert.Equal(["iommucluster.lock.class=&box->a"], heard.AttributesOf("iommucluster.lock.acquisitions"));
    }

    [Fact]
    public void Ended_NobodyListens_AllocatesNothing()
    {
        using var instruments = new ExplorationInstruments();
        var runtime = new DeterministicRuntime(Yardstick.M(@fixed: true));
        runtime.Run(new InTurn(), 0);
        instruments.Ended(runtime, ScheduleEnd.Completed);

        var before = GC.GetAllocatedBytesForCurrentThread();
        instruments.Ended(runtime, ScheduleEnd.Completed);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
