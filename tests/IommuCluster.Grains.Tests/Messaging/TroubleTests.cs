using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;
using Orleans.Hosting;

namespace IommuCluster.Grains.Tests.Messaging;

/// <summary>Messages that arrive twice, not at all, or without an answer change nothing.</summary>
public sealed class TroubleTests : IAsyncLifetime
{
    private readonly Troubles _troubles = new();
    private readonly LocalCluster _cluster;

    public TroubleTests() => _cluster = new LocalCluster(silos: 2, silo => silo.AddIncomingGrainCallFilter(_troubles));

    public Task InitializeAsync() => _cluster.InitializeAsync();

    public Task DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Replay_OverBadNetwork_EndsAsInOneProcess()
    {
        for (var seed = 0UL; seed < 40; seed++)
        {
            var runtime = new DeterministicRuntime(RandomPrograms.Of(seed), new RuntimeOptions { WholeTrace = true });
            await TwoRuntimes.AssertSameAsync(_cluster, runtime, RandomPrograms.Of(seed), new RandomWalk(seed), number: 0, scatter: seed % 2 == 1);
        }

        AssertMet(nameof(IMemoryGrain.StepAsync), nameof(ICpuGrain.StartAsync), nameof(ICpuGrain.GoAsync), nameof(ISocGrain.ReportAsync), nameof(IMemoryGrain.CanProceedAsync));
    }

    /// <summary>Locks, completions, wait queues, RCU, sleep and spawned threads, many times over: nobody is forgotten and nobody let in twice.</summary>
    [Fact]
    public async Task Boot_OverBadNetwork_LosesNoWaiterAndCountsNothingTwice()
    {
        for (var boot = 0; boot < 20; boot++)
        {
            var seen = await _cluster.Runner.BootAsync(Contention(), _cluster.NextName(), new Grains.Boots.BootOptions { Scatter = boot % 2 == 1 });

            Assert.Equal(ScheduleEnd.Completed, seen.End);
            Assert.Empty(seen.Findings);
        }

        AssertMet(nameof(IMemoryGrain.StepAsync), nameof(ICpuGrain.GrantAsync), nameof(ISocGrain.ReportAsync), nameof(ISocGrain.JoinAsync), nameof(ICpuGrain.EndAsync));
    }

    private static Workload Contention()
    {
        const int Rounds = 10;
        var box = Box.At(0);
        async Flow Count(KernelThread t)
        {
            for (var i = 0; i < Rounds; i++)
            {
                await t.Lock(box.A);
                await t.Store(box.X, await t.Load(box.X) + 1);
                await t.Unlock(box.A);
            }

            await t.Complete(box.Done);
        }

        return Programs.Of(
            Count,
            Count,
            async t =>
            {
                await t.Spawn(new Kernel.Memory.ThreadStart("child", Count));
                await t.Sleep(TimeSpan.FromTicks(5));
                await t.WaitFor(box.Done);
                await t.WaitFor(box.Done);
                await t.WaitFor(box.Done);
                t.WarnOn(await t.Load(box.X) != 3 * Rounds, "an increment was lost or made twice");
            });
    }

    private void AssertMet(params string[] messages) =>
        Assert.All(messages, message => Assert.All(["lost", "twice", "unanswered"], trouble => Assert.Contains($"{trouble} {message}", _troubles.Met.Keys)));
}
