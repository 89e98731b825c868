using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Replay;

/// <summary>A token says all there is to say about a schedule.</summary>
public sealed class ReplayTests
{
    private static readonly Box s_box = Box.At(0);

    public static TheoryData<Workload> Programs => [Yardstick.S(false), Yardstick.M(false), Yardstick.M(true), Yardstick.H(), Yardstick.L()];

    [Theory]
    [MemberData(nameof(Programs))]
    public void Replay_OfARandomSchedule_IsTheSameToTheLastStep(Workload program)
    {
        var original = new DeterministicRuntime(program);
        for (var seed = 0; seed < 200; seed++)
        {
            var strategy = new RandomWalk((ulong)seed);
            strategy.BeginSchedule(0);
            original.Lockdep!.Forget();
            var end = original.Run(strategy, 0);
            var token = original.ToSchedule().Encode();

            var (replayed, again) = Explore.Once(new ReplayStrategy(Schedule.Decode(token)!), program);
            Assert.Equal(end, again);
            AssertSame(original, replayed);
            Assert.Equal(token, replayed.ToSchedule().Encode());
        }
    }

    [Fact]
    public void Replay_Twice_IsTheSame()
    {
        var (first, _) = Explore.Once(new RandomWalk(5), Yardstick.M(false));
        var replay = new ReplayStrategy(first.ToSchedule());
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        for (var i = 0; i < 3; i++)
        {
            replay.BeginSchedule(i);
            runtime.Run(replay, i);
            Assert.True(replay.HasMadeAll);
            AssertSame(first, runtime);
        }
    }

    [Fact]
    public void Replay_WithSpawnsAndSleeps_IsTheSame()
    {
        var program = IommuCluster.TestKit.Programs.Of(
            async t =>
            {
                await t.Spawn(new ThreadStart("child", async c => await c.Store(s_box.X, 1UL)));
                await t.Sleep(TimeSpan.FromSeconds(1));
                await t.Store(s_box.X, 2UL);
            },
            async t =>
            {
                await t.Sleep(TimeSpan.FromSeconds(1));
                await t.Free(await t.Allocate<Box>(Home.Soc));
            });
        for (var seed = 0UL; seed < 100; seed++)
        {
            var (first, _) = Explore.Once(new RandomWalk(seed), program);
            AssertSame(first, Explore.Once(new ReplayStrategy(first.ToSchedule()), program).Runtime);
        }
    }

    [Fact]
    public void Replay_OfTheDefault_RunsEachThreadToItsEnd()
    {
        var (runtime, end) = Explore.Once(new ReplayStrategy(Schedule.Default), Yardstick.M(true));
        var (inTurn, _) = Explore.Once(new InTurn(), Yardstick.M(true));

        Assert.Equal(ScheduleEnd.Completed, end);
        AssertSame(inTurn, runtime);
    }

    [Theory]
    [InlineData(3, 63)] // There is no such thread.
    [InlineData(0, 4)]
    public void Replay_OfAThreadThatCannotRun_Diverges(int choice, int slot)
    {
        var schedule = new Schedule([new Deviation(choice, slot)]);

        Assert.Equal(ScheduleEnd.Diverged, Explore.Once(new ReplayStrategy(schedule), Yardstick.M(true)).End);
    }

    [Fact]
    public void Replay_WithDeviationsPastTheEnd_DoesNotMakeAll()
    {
        var replay = new ReplayStrategy(new Schedule([new Deviation(100_000, 1)]));
        Explore.Once(replay, Yardstick.S(true));

        Assert.False(replay.HasMadeAll);
    }

    private static void AssertSame(DeterministicRuntime expected, DeterministicRuntime actual)
    {
        Assert.Equal(expected.Trace.Count, actual.Trace.Count);
        for (var step = 0; step < expected.Trace.Count; step++)
        {
            Assert.Equal(expected.Trace[step], actual.Trace[step]);
        }

        Assert.Equal(expected.Bank.Fingerprint(), actual.Bank.Fingerprint());
        Assert.Equal(expected.Sightings.Select(Describe), actual.Sightings.Select(Describe));
    }

    private static string Describe(Sighting sighting) =>
        $"{sighting.Finding} at {sighting.Step} by {sighting.Thread} with {sighting.OtherStep}: {string.Join(" | ", sighting.Threads.Select(thread => $"{thread.Name} {thread.State} {string.Join(',', thread.Frames)} {string.Join(',', thread.Held)}"))}";
}
