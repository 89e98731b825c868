using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runtime;

public sealed class ClockTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public void Sleep_WakesInTheOrderOfTime()
    {
        var runtime = new DeterministicRuntime(Programs.Of(SleepFor(30), SleepFor(10), SleepFor(20)));
        runtime.Run(new InTurn(), 0);

        Assert.Equal([1, 1, 2, 2, 0, 0], Enumerable.Range(0, 6).Select(i => runtime.Trace[i].Thread));
        Assert.Equal(TimeSpan.FromMilliseconds(30).Ticks, runtime.Now);
    }

    [Fact]
    public void Sleep_TimePassesOnlyWhenNobodyCanRun()
    {
        var explored = Explore.All(
            SleepFor(1),
            async t =>
            {
                for (var i = 0; i < 3; i++)
                {
                    t.WarnOn(await t.AtomicAdd(s_box.Count, 0) != 0, "the sleeper ran first");
                }
            });

        Assert.Empty(explored.Findings);
        Assert.Equal(1, explored.Schedules);
    }

    [Fact]
    public void Sleep_OfTwoUntilTheSameMoment_Races()
    {
        var explored = Explore.All(SleepFor(5), SleepFor(5));

        // Two steps each, interleaved in all ways: 4! / (2! 2!).
        Assert.Equal(6, explored.Schedules);
    }

    [Fact]
    public void Sleep_OfTwoUntilTheSameMoment_WakesBothAlthoughOneTakesALock()
    {
        static async Flow Body(KernelThread t)
        {
            await t.Sleep(TimeSpan.FromMilliseconds(5));
            await t.Lock(s_box.A);
            await t.Load(s_box.X);
            await t.Unlock(s_box.A);
        }

        var explored = Explore.All(Body, Body, Body);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
    }

    [Fact]
    public void StateKey_TellsHowLongASleeperHasLeft()
    {
        // T0 sleeps 5 with a held; T1 takes a before or after it and then sleeps 10; T2 sleeps 12. So T1 wakes at 10 or at 15,
        // which nothing but its time to wake tells when T0 and T3 have a choice at 5.
        var program = Programs.Of(
            async t =>
            {
                await t.Lock(s_box.A);
                await t.Sleep(TimeSpan.FromMilliseconds(5));
                await t.Unlock(s_box.A);
                await t.Lock(s_box.B);
                await t.Unlock(s_box.B);
            },
            async t =>
            {
                await t.Lock(s_box.A);
                await t.Unlock(s_box.A);
                await t.Sleep(TimeSpan.FromMilliseconds(10));
                await t.Store(s_box.X, 1UL);
            },
            async t =>
            {
                await t.Sleep(TimeSpan.FromMilliseconds(12));
                await t.Store(s_box.X, 2UL);
            },
            async t =>
            {
                await t.Sleep(TimeSpan.FromMilliseconds(5));
                await t.Lock(s_box.B);
                await t.Unlock(s_box.B);
            });
        var searched = Explore.With(new StateSearch(), program, new RuntimeOptions { StateHashing = true });

        Assert.Equal(2, searched.FinalStates.Count);
        Assert.Equal(Explore.All(program).FinalStates, searched.FinalStates);
    }

    private static Func<KernelThread, Flow> SleepFor(int milliseconds) => async t =>
    {
        await t.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        await t.AtomicAdd(s_box.Count, 1);
    };
}
