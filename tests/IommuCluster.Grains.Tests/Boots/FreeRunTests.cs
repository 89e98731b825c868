using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using ThreadStart = IommuCluster.Kernel.Memory.ThreadStart;

namespace IommuCluster.Grains.Tests.Boots;

public sealed class FreeRunTests
{
    private readonly FreeRun _run = new(
        new Workload("two", Architecture.Arm64, [new Stage("race", [new ThreadStart("A", _ => default), new ThreadStart("B", _ => default)])]),
        new RuntimeOptions(),
        cpus: 8);

    public FreeRunTests()
    {
        Assert.Equal(1, Assert.IsType<StartAction>(_run.Next()).Order.Thread);
        Assert.Equal(2, Assert.IsType<StartAction>(_run.Next()).Order.Thread);
        Assert.Null(_run.Next());
    }

    [Fact]
    public void Stage_OfAnotherTurn_StartsAnotherThreadFirst()
    {
        var workload = new Workload("two", Architecture.Arm64, [new Stage("race", [new ThreadStart("A", _ => default), new ThreadStart("B", _ => default)])]);
        var run = new FreeRun(workload, new RuntimeOptions(), cpus: 8, turn: 1);

        Assert.Equal([2, 1], new[] { run.Next(), run.Next() }.Select(action => Assert.IsType<StartAction>(action).Order.Thread));
    }

    [Fact]
    public void AllEnded_NoStageLeft_Completes()
    {
        Take(1, ThreadEvent.Ended);
        Assert.Null(_run.Next());
        Take(2, ThreadEvent.Ended);

        Assert.Equal(new EndAction(ScheduleEnd.Completed), _run.Next());
    }

    [Fact]
    public void AllBlocked_NobodyLetIn_IsStuck()
    {
        Take(1, ThreadEvent.Blocked);
        Assert.Null(_run.Next());
        Take(2, ThreadEvent.Blocked);

        Assert.Equal(new EndAction(ScheduleEnd.Stuck), _run.Next());
    }

    [Fact]
    public void AllBlocked_GrantStillOnItsWay_IsNotStuck()
    {
        Take(2, ThreadEvent.Blocked);
        Take(1, ThreadEvent.Blocked, letIn: 2);
        Assert.Null(_run.Next());

        Take(2, ThreadEvent.Ended, letIn: 1);
        Assert.Null(_run.Next());
    }

    [Fact]
    public void Grant_OfAnEarlierWait_LetsNobodyIn()
    {
        Take(2, sequence: 3, ThreadEvent.Blocked);
        Take(1, ThreadEvent.Blocked, letIn: 2);

        Assert.Equal(new EndAction(ScheduleEnd.Stuck), _run.Next());
    }

    [Fact]
    public void Wait_ReportedAfterItsGrant_DoesNotCount()
    {
        Take(1, ThreadEvent.Ended, letIn: 2);
        Take(2, ThreadEvent.Blocked);
        Assert.Null(_run.Next());

        Take(2, ThreadEvent.Ended);
        Assert.Equal(new EndAction(ScheduleEnd.Completed), _run.Next());
    }

    [Fact]
    public void Sleepers_WakeOnlyWhenNobodyCanRun_TheEarliestFirst()
    {
        Sleep(1, 30);
        Take(1, ThreadEvent.Blocked);
        Sleep(2, 10);
        Assert.Null(_run.Next());
        Take(2, ThreadEvent.Blocked);

        Assert.Equal(2, Assert.IsType<WakeAction>(_run.Next()).Grant.Thread);
        Assert.Null(_run.Next());
        Take(2, ThreadEvent.Ended);
        Assert.Equal(1, Assert.IsType<WakeAction>(_run.Next()).Grant.Thread);
    }

    [Fact]
    public void Spawned_IsWaitedFor()
    {
        Assert.Equal(3, _run.Spawn(new StepMessage(1, 1, 0, StepKind.Spawn, 0, -1, 0, 0, 0, null)).Thread);
        Take(1, ThreadEvent.Ended);
        Take(2, ThreadEvent.Ended);
        Assert.Null(_run.Next());
        Take(3, ThreadEvent.Ended);

        Assert.Equal(new EndAction(ScheduleEnd.Completed), _run.Next());
    }

    private void Take(int thread, ThreadEvent happened, params int[] letIn) => Take(thread, sequence: 1, happened, letIn);

    private void Take(int thread, int sequence, ThreadEvent happened, params int[] letIn) =>
        _run.Take(new ThreadReport(thread, 1, happened, sequence, [.. letIn.Select(id => new WaitMessage(id, 1))], []));

    private void Sleep(int thread, ulong ticks) => Assert.False(_run.Sleep(new StepMessage(thread, 1, 0, StepKind.Sleep, 0, -1, 0, ticks, 0, null)));
}
