using IommuCluster.Exploration.Runtime;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runtime;

/// <summary>Faults of our own in a flow surface at the runtime's rim and leave it usable.</summary>
public sealed class FailureTests
{
    private static readonly Box s_box = Box.At(0);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    public void Run_FlowThrowsAfterSomeSteps_ThrowsToTheCaller(int steps)
    {
        var isBroken = true;
        var runtime = new DeterministicRuntime(Programs.Of(
            async t =>
            {
                for (var i = 0; i < steps; i++)
                {
                    await t.Load(s_box.X);
                }

                if (isBroken)
                {
                    throw new NotSupportedException("our own fault");
                }
            },
            async t => await t.Load(s_box.Y)));

        Assert.Throws<NotSupportedException>(() => runtime.Run(new InTurn(), 0));
        Assert.Throws<NotSupportedException>(() => runtime.Run(new InTurn(backwards: true), 1));
        isBroken = false;
        Assert.Equal(ScheduleEnd.Completed, runtime.Run(new InTurn(), 2));
        Assert.Equal(steps + 1, runtime.Trace.Count);
    }
}
