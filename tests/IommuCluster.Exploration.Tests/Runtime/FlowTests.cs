using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runtime;

public sealed class FlowTests
{
    private static readonly Box s_box = Box.At(0);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Flow_AnswersWhatItReturns_HoweverDeepItWaited(int depth)
    {
        var explored = Explore.All(
            async t => await t.Store(s_box.Y, await Deep(t, depth)),
            async t => Assert.Equal((ulong)depth, await Deep(t, depth)));

        Assert.Single(explored.FinalStates);
        Assert.Equal((ulong)depth, Once(async t => await t.Store(s_box.Y, await Deep(t, depth))).Bank.Peek(s_box.Address, 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Flow_ThatFails_FailsWhoAwaitsIt(int steps)
    {
        var failure = Assert.Throws<InvalidOperationException>(() => Once(async t => await FailAfter(t, steps)));

        Assert.Equal("fault of our own", failure.Message);
    }

    [Fact]
    public void Flow_FailureCaughtByWhoAwaitsIt_GoesNoFurther()
    {
        var runtime = Once(async t =>
        {
            try
            {
                await FailAfter(t, 1);
            }
            catch (InvalidOperationException)
            {
                await t.Store(s_box.X, 7UL);
            }
        });

        Assert.Equal(7UL, runtime.Bank.Peek(s_box.Address, 0));
    }

    [Fact]
    public void Flow_OnceWarm_AllocatesNothing()
    {
        var runtime = new DeterministicRuntime(Programs.Of(async t => await Deep(t, 5), async t => await Deep(t, 5)));

        Assert.Equal(0, BytesASchedule(runtime, new RandomWalk(1)));
    }

    [Fact]
    public void Flow_GivenUpWhereItWaits_LeavesItsMemoryToTheNextSchedule()
    {
        var runtime = new DeterministicRuntime(Programs.Of(async t => await t.Store(s_box.Y, await Deep(t, 5)), async t => await Deep(t, 5)));
        var turns = new Scripted(0, 1, 0, 1, 0, 1); // Then it gives the schedule up.

        Assert.Equal(0, BytesASchedule(runtime, turns));
        turns.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Abandoned, runtime.Run(turns, 0));

        var inTurn = new InTurn();
        inTurn.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Completed, runtime.Run(inTurn, 0));
        Assert.Equal(5UL, runtime.Bank.Peek(s_box.Address, 1));
    }

    private static long BytesASchedule(DeterministicRuntime runtime, IStrategy strategy)
    {
        const int Schedules = 100;
        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Schedules;

        void Run()
        {
            for (var number = 0; number < Schedules; number++)
            {
                strategy.BeginSchedule(number);
                runtime.Run(strategy, number);
            }
        }
    }

    private static async Flow<ulong> Deep(KernelThread t, int depth)
    {
        if (depth == 0)
        {
            return 0;
        }

        await t.Load(s_box.Count);
        return await Deep(t, depth - 1) + 1;
    }

    private static async Flow FailAfter(KernelThread t, int steps)
    {
        for (; steps > 0; steps--)
        {
            await t.Load(s_box.Count);
        }

        throw new InvalidOperationException("fault of our own");
    }

    private static DeterministicRuntime Once(Func<KernelThread, Flow> body) =>
        Explore.Once(new InTurn(), Programs.Of(body, async t => await t.Load(s_box.Count))).Runtime;
}
