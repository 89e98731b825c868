using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runs;

/// <summary>Pairs that share no lock, in schedules that run one thread after the other.</summary>
public sealed class LocksetPairsTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public void Pairs_OrderedByWhoCameFirstToALock_AreTold()
    {
        var runtime = Run(
            async t =>
            {
                await t.Store(s_box.X, 1UL);
                await Pass(t);
            },
            async t =>
            {
                await Pass(t);
                await t.Load(s_box.X);
            });

        Assert.Empty(runtime.Sightings); // Happens-before sees no race in this schedule.
        Assert.Equal([(0, 5)], LocksetPairs.Of(runtime));
    }

    [Fact]
    public void Pairs_UnderOneLock_AreNotTold() => Assert.Empty(PairsOf(Locked(s_box.A), Locked(s_box.A)));

    [Fact]
    public void Pairs_UnderDifferentLocks_AreTold() => Assert.Single(PairsOf(Locked(s_box.A), Locked(s_box.B)));

    [Fact]
    public void Pairs_OfMarkedAccesses_AreNotTold() =>
        Assert.Empty(PairsOf(async t => await t.Store(s_box.X, 1UL, Marking.Once), async t => await t.Load(s_box.X, Marking.Once)));

    [Theory]
    [InlineData(true, true, 1)]
    [InlineData(true, false, 0)]
    [InlineData(false, true, 0)]
    public void Pairs_UnderARwsem_AreToldWhenBothReadIt(bool firstReads, bool secondReads, int pairs) =>
        Assert.Equal(pairs, PairsOf(UnderSem(firstReads), UnderSem(secondReads)).Count);

    [Fact]
    public void Pairs_OrderedByACompletion_AreNotTold() => Assert.Empty(PairsOf(
        async t =>
        {
            await t.Store(s_box.X, 1UL);
            await t.Complete(s_box.Done);
        },
        async t =>
        {
            await t.WaitFor(s_box.Done);
            await t.Load(s_box.X);
        }));

    [Fact]
    public void Pairs_OrderedByTheStartOfAThread_AreNotTold() => Assert.Empty(PairsOf(async t =>
    {
        await t.Store(s_box.X, 1UL);
        await t.Spawn(new ThreadStart("child", async child => await child.Load(s_box.X)));
    }));

    [Fact]
    public void Pairs_AfterTheStartOfAThread_AreTold() => Assert.Single(PairsOf(async t =>
    {
        await t.Spawn(new ThreadStart("child", async child => await child.Load(s_box.X)));
        await t.Store(s_box.X, 1UL);
    }));

    [Fact]
    public void Campaign_MeetsAHintedPair_AndItIsNoHintAnyMore()
    {
        var seen = Sample(Programs.Of(
            async t =>
            {
                await t.Store(s_box.X, 1UL);
                await Pass(t);
            },
            async t =>
            {
                await Pass(t);
                await t.Load(s_box.X);
            }));

        Assert.Single(seen.Races);
        Assert.Empty(seen.Hints);
    }

    [Fact]
    public void Campaign_OfAWordPublishedUnderALock_HintsAtWhatNoScheduleMeets()
    {
        var seen = Sample(Programs.Of(
            async t =>
            {
                await t.Store(s_box.X, 1UL);
                await t.Lock(s_box.A);
                await t.Store(s_box.Y, 1UL);
                await t.Unlock(s_box.A);
            },
            async t =>
            {
                await t.Lock(s_box.A);
                var isThere = await t.Load(s_box.Y) != 0;
                await t.Unlock(s_box.A);
                if (isThere)
                {
                    await t.Load(s_box.X);
                }
            }));

        Assert.Empty(seen.All);
        Assert.Equal("box.x", Assert.Single(seen.Hints).Field);
    }

    private static ExplorationResult Sample(Workload program)
    {
        var campaign = new Campaign(new CampaignPlan(StrategyCatalog.Portfolio, Seed: 1) { Schedules = 500 });
        var runner = new ShardRunner(program, new RuntimeOptions());
        while (campaign.End is null)
        {
            foreach (var shard in campaign.Round)
            {
                campaign.Add(runner.Run(shard));
            }
        }

        return campaign.ToResult(TimeSpan.Zero);
    }

    private static IReadOnlyList<(int First, int Second)> PairsOf(params Func<KernelThread, Flow>[] bodies) => LocksetPairs.Of(Run(bodies));

    private static DeterministicRuntime Run(params Func<KernelThread, Flow>[] bodies) => Explore.Once(new InTurn(), Programs.Of(bodies)).Runtime;

    private static async Flow Pass(KernelThread t)
    {
        await t.Lock(s_box.A);
        await t.Unlock(s_box.A);
    }

    private static Func<KernelThread, Flow> Locked(Mutex mutex) => async t =>
    {
        await t.Lock(mutex);
        await t.Store(s_box.X, 1UL);
        await t.Unlock(mutex);
    };

    private static Func<KernelThread, Flow> UnderSem(bool reads) => async t =>
    {
        await (reads ? t.DownRead(s_box.Sem) : t.DownWrite(s_box.Sem));
        await t.Store(s_box.X, 1UL);
        await (reads ? t.UpRead(s_box.Sem) : t.UpWrite(s_box.Sem));
    };
}
