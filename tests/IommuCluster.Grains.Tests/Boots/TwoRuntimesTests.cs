using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.TestKit;
using Xunit.Abstractions;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>A schedule of the deterministic runtime, replayed step by step on the cluster, ends in the same state.</summary>
[Collection(ClusterGroup.Name)]
public sealed class TwoRuntimesTests(LocalCluster cluster, ITestOutputHelper output)
{
    private static readonly RuntimeOptions s_whole = new() { WholeTrace = true };

    [Theory]
    [InlineData("linux-6.6", 50)]
    [InlineData("linux-6.8", 10)]
    public async Task Replay_RandomSchedules_EndInSameState(string profile, int schedules)
    {
        var runtime = new DeterministicRuntime(S21.Racing(profile), s_whole);
        var ends = new List<ScheduleEnd>();
        for (var number = 0; number < schedules; number++)
        {
            ends.Add(await TwoRuntimes.AssertSameAsync(cluster, runtime, S21.Racing(profile), new RandomWalk(2023), number));
        }

        output.WriteLine(string.Join(", ", ends.CountBy(end => end).Select(pair => $"{pair.Key}: {pair.Value}")));
    }

    /// <summary>Schedules that break, not only those that a walk happens to meet first.</summary>
    [Fact]
    public async Task Replay_SchedulesThatOops_EndInSameState()
    {
        var probe = new DeterministicRuntime(S21.Racing("linux-6.6"), s_whole);
        var runtime = new DeterministicRuntime(S21.Racing("linux-6.6"), s_whole);
        var strategy = new RandomWalk(6);
        var found = 0;
        for (var number = 0; found < 10; number++)
        {
            strategy.BeginSchedule(number);
            if (probe.Run(strategy, number) == ScheduleEnd.Oopsed)
            {
                found++;
                Assert.Equal(ScheduleEnd.Oopsed, await TwoRuntimes.AssertSameAsync(cluster, runtime, S21.Racing("linux-6.6"), strategy, number));
            }
        }
    }

    [Fact]
    public async Task Replay_Deadlock_IsExplainedAlike()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                await t.Lock(box.A);
                await t.Lock(box.B);
            },
            async t =>
            {
                await t.Lock(box.B);
                await t.Lock(box.A);
            });
        var runtime = new DeterministicRuntime(program, s_whole);
        var strategy = new RandomWalk(1);
        var ends = new HashSet<ScheduleEnd>();
        for (var number = 0; number < 10; number++)
        {
            ends.Add(await TwoRuntimes.AssertSameAsync(cluster, runtime, program, strategy, number));
        }

        Assert.Contains(ScheduleEnd.Stuck, ends);
    }

    /// <summary>The verbs that wait, beyond those of the random programs; free boots of it always end, too.</summary>
    [Fact]
    public async Task Replay_OfAllThatWaits_EndsInSameState()
    {
        var box = Box.At(0);
        var program = Programs.Of(
            async t =>
            {
                var ticket = await t.PrepareToWait(box.Queue);
                if (await t.Load(box.X) == 0)
                {
                    await t.WaitEvent(box.Queue, ticket);
                }

                await t.SynchronizeRcu();
                await t.DownWrite(box.Sem);
                await t.Sleep(TimeSpan.FromTicks(3));
                await t.UpWrite(box.Sem);
            },
            async t =>
            {
                await t.RcuReadLock();
                await t.Store(box.X, 1UL);
                await t.WakeUp(box.Queue);
                await t.RcuReadUnlock();
                await t.DownRead(box.Sem);
                await t.UpRead(box.Sem);
                await t.Complete(box.Done);
            },
            async t =>
            {
                await t.DownRead(box.Sem);
                await t.Load(box.X);
                await t.UpRead(box.Sem);
                await t.WaitFor(box.Done);
            });
        var runtime = new DeterministicRuntime(program, s_whole);
        for (var number = 0; number < 40; number++)
        {
            Assert.Equal(ScheduleEnd.Completed, await TwoRuntimes.AssertSameAsync(cluster, runtime, program, new RandomWalk(4), number));
            Assert.Equal(ScheduleEnd.Completed, (await cluster.Runner.BootAsync(program, cluster.NextName())).End);
        }
    }

    [Fact]
    public async Task Replay_ScheduleOfAnotherProgram_Diverges()
    {
        var replayed = await cluster.Runner.ReplayAsync(S21.Racing("linux-6.6"), cluster.NextName(), [new Exploration.Replay.Schedule([new(0, 63)])]);

        Assert.Equal(ScheduleEnd.Diverged, replayed.End);
    }
}
