using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runtime;

public sealed class SpawnTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public void Spawn_Child_RunsBesideItsParent()
    {
        var explored = Explore.All(async t =>
        {
            await t.Spawn(new ThreadStart("child", async c => await c.AtomicAdd(s_box.Count, 1)));
            await t.AtomicAdd(s_box.Count, 2);
        });

        Assert.Equal(2, explored.Schedules);
        Assert.Empty(explored.Findings);
    }

    [Fact]
    public void Spawn_OfAnEmptyBody_IsLegal()
    {
        var runtime = new DeterministicRuntime(Programs.Of(async t =>
        {
            await t.Spawn(new ThreadStart("nothing", _ => Flow.Completed));
            await t.Load(s_box.X);
        }));

        Assert.Equal(ScheduleEnd.Completed, runtime.Run(new InTurn(), 0));
        Assert.Equal(2, runtime.Trace.Count);
    }

    [Fact]
    public void Spawn_MoreThan64OverTime_Works()
    {
        var runtime = new DeterministicRuntime(Programs.Of(async t =>
        {
            for (var i = 0; i < 300; i++)
            {
                await t.Spawn(new ThreadStart($"child {i}", async c =>
                {
                    await c.Lock(s_box.A);
                    await c.Store(s_box.X, await c.Load(s_box.X) + 1);
                    await c.Unlock(s_box.A);
                    await c.Complete(s_box.Done);
                }));
                await t.WaitFor(s_box.Done);
            }
        }));
        var strategy = new RandomWalk(1);
        for (var i = 0; i < 20; i++)
        {
            strategy.BeginSchedule(i);
            Assert.Equal(ScheduleEnd.Completed, runtime.Run(strategy, i));
            Assert.Equal(300UL, runtime.Bank.Peek(s_box.Address, 0));
            Assert.Empty(runtime.Sightings);
        }
    }

    [Fact]
    public void Spawn_MoreThan64AtATime_IsOurOwnFaultInWords()
    {
        var runtime = new DeterministicRuntime(Programs.Of(async t =>
        {
            for (var i = 0; i < 64; i++)
            {
                await t.Spawn(new ThreadStart($"child {i}", async c => await c.WaitFor(s_box.Done)));
            }
        }));

        Assert.Contains("64", Assert.Throws<InvalidOperationException>(() => runtime.Run(new InTurn(), 0)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void StateKey_TellsWhichBodyAThreadRuns()
    {
        // Whoever spawns first gets the lower id. After one step of either child the two orders differ in nothing else.
        static ThreadStart Child(ulong value) => new($"child {value}", async t =>
        {
            await t.WriteOnce(s_box.Y, 7UL);
            await t.WriteOnce(s_box.X, value);
        });
        var program = Programs.Of(
            async t => await t.Spawn(Child(1)),
            async t => await t.Spawn(Child(2)));
        StateHash KeyAfter(params int[] slots) =>
            Explore.Once(new Scripted(slots), program, new RuntimeOptions { StateHashing = true }).Runtime.StateKey();

        Assert.NotEqual(KeyAfter(0, 1, 2), KeyAfter(1, 0, 2));
        Assert.Equal(KeyAfter(0, 1, 2, 3), KeyAfter(0, 1, 3, 2));
    }

    [Fact]
    public void StateKey_TellsChildrenOfOneParentApart()
    {
        var program = Programs.Of(
            async t =>
            {
                var value = await t.ReadOnce(s_box.X);
                await t.Spawn(new ThreadStart("child", async c =>
                {
                    await c.WriteOnce(s_box.Y, 7UL);
                    await c.WriteOnce(s_box.Y, value);
                }));
            },
            async t => await t.WriteOnce(s_box.X, 1UL),
            async t => await t.WriteOnce(s_box.X, 2UL));
        var searched = Explore.With(new StateSearch(), program, new RuntimeOptions { StateHashing = true });

        Assert.Equal(Explore.All(program).FinalStates, searched.FinalStates);
    }
}
