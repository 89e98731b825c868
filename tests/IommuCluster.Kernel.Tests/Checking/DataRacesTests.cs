using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Checking;

/// <summary>Programs that race and programs that do not; every interleaving of each.</summary>
public sealed class DataRacesTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public void PlainStores_Unordered_Race()
    {
        var race = Explore.All(t => Write(t), t => Write(t)).Single(FindingKind.DataRace);

        Assert.Equal(("box", "x"), (race.ObjectType, race.Field));
        Assert.True(race.IsRace);
    }

    [Fact]
    public void PlainLoads_Unordered_AreSilent() => AssertSilent(t => Read(t), t => Read(t));

    [Theory]
    [InlineData(Marking.Plain, Marking.Plain, true)]
    [InlineData(Marking.Plain, Marking.Once, true)]
    [InlineData(Marking.Once, Marking.Plain, true)]
    [InlineData(Marking.Plain, Marking.Ordered, true)]
    [InlineData(Marking.Once, Marking.Once, false)]
    [InlineData(Marking.Ordered, Marking.Once, false)]
    [InlineData(Marking.Ordered, Marking.Ordered, false)]
    [InlineData(Marking.DataRace, Marking.Plain, false)]
    [InlineData(Marking.Plain, Marking.DataRace, false)]
    [InlineData(Marking.DataRace, Marking.Once, false)]
    [InlineData(Marking.Hardware, Marking.Plain, false)]
    [InlineData(Marking.Plain, Marking.Hardware, false)]
    public void StoreAndLoad_Unordered_RaceUnlessBothAreMarkedOrOneIsExcused(Marking store, Marking load, bool races)
    {
        var explored = Explore.All(t => Write(t, store), t => Read(t, load));

        Assert.Equal(races, explored.Saw(FindingKind.DataRace));
        Assert.Empty(explored.Consequences);
    }

    [Fact]
    public void AtomicAdds_Unordered_AreSilentButNotWithAPlainStore()
    {
        static async Flow Add(KernelThread t) => await t.AtomicAdd(s_box.Count, 1);

        AssertSilent(Add, Add);
        AssertRaces(Add, async t => await t.Store(s_box.Count, 5L));
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void RefcountDecAndTest_IsOrderedAfterOtherPutsOnlyWhenItIsTheLast(int references, bool races)
    {
        var racing = RacingWithTheLast(
            async t =>
            {
                await t.AtomicAdd(s_box.Count, references, Marking.Once);
                await Write(t);
                await t.RefcountDecAndTest(s_box.Count);
            },
            async t =>
            {
                await t.RefcountDecAndTest(s_box.Count);
                await Read(t);
            });

        Assert.Equal(races, racing.Any());
    }

    [Fact]
    public void RefcountInc_OrdersNothing() => Assert.Equal([0], RacingWithTheLast(
        async t =>
        {
            await t.AtomicAdd(s_box.Count, 2);
            await Write(t);
            await t.RefcountDecAndTest(s_box.Count);
        },
        async t =>
        {
            await t.RefcountInc(s_box.Count);
            await Read(t);
        }));

    [Theory]
    [InlineData(0UL, false)]
    [InlineData(1UL, true)]
    public void CompareExchange_OrdersUnlessItFails(ulong expected, bool races)
    {
        var racing = RacingWithTheLast(
            async t =>
            {
                await Write(t);
                await t.CompareExchange(s_box.Y, 0UL, 0UL);
            },
            async t =>
            {
                await t.CompareExchange(s_box.Y, expected, 2UL);
                await Read(t);
            });

        Assert.Equal(races, racing.Any());
    }

    [Fact]
    public void TryLock_ThatFails_OrdersNothing() => Assert.Equal([0], RacingWithTheLast(
        WriteLocked,
        async t =>
        {
            await t.Lock(s_box.A);
            await t.WaitFor(s_box.Done);
            await t.Unlock(s_box.A);
        },
        async t =>
        {
            Assert.False(await t.TryLock(s_box.A));
            await Read(t);
            await t.Complete(s_box.Done);
        }));

    [Fact]
    public void Stores_UnderOneMutex_AreSilent() => AssertSilent(WriteLocked, WriteLocked);

    [Fact]
    public void Stores_OneWithoutTheMutex_Race() => AssertRaces(WriteLocked, t => Write(t));

    [Fact]
    public void Stores_UnderDifferentMutexes_Race() => AssertRaces(
        WriteLocked,
        async t =>
        {
            await t.Lock(s_box.B);
            await Write(t);
            await t.Unlock(s_box.B);
        });

    [Fact]
    public void Stores_OrderedByACompletion_AreSilent() => AssertSilent(
        async t =>
        {
            await Write(t);
            await t.Complete(s_box.Done);
        },
        async t =>
        {
            await t.WaitFor(s_box.Done);
            await Write(t);
        });

    [Fact]
    public void Store_AfterTheCompletion_Races() => AssertRaces(
        async t =>
        {
            await t.Complete(s_box.Done);
            await Write(t);
        },
        async t =>
        {
            await t.WaitFor(s_box.Done);
            await Write(t);
        });

    [Fact]
    public void Stores_OrderedByAWakeUp_AreSilent() => AssertSilent(
        async t =>
        {
            await Write(t);
            await t.WakeUp(s_box.Queue);
        },
        async t =>
        {
            await t.WaitEvent(s_box.Queue, 0);
            await Write(t);
        });

    [Fact]
    public void Store_BeforeSpawn_IsSilentAndAfterItRaces()
    {
        var child = new ThreadStart("child", t => Write(t));
        AssertSilent(async t =>
        {
            await Write(t);
            await t.Spawn(child);
        });
        AssertRaces(async t =>
        {
            await t.Spawn(child);
            await Write(t);
        });
    }

    [Fact]
    public void Load_AfterAcquireOfARelease_IsSilent() => AssertSilent(t => Publish(t, Marking.Ordered), t => Consume(t, Marking.Ordered));

    [Fact]
    public void Load_AfterAcquireOfAMarkedStore_Races() => AssertRaces(t => Publish(t, Marking.Once), t => Consume(t, Marking.Ordered));

    [Fact]
    public void Load_AfterMarkedLoadOfARelease_Races() => AssertRaces(t => Publish(t, Marking.Ordered), t => Consume(t, Marking.Once));

    [Fact]
    public void ManyReaders_ThenAnUnorderedWriter_Race() => AssertRaces(ReadLockedBy(2), ReadLockedBy(1), WriteLocked);

    [Fact]
    public void ManyReaders_OneOfThemWithoutTheLock_RaceWithTheWriter()
    {
        // Found in schedules in which all readers come first: the writer looks at each of them.
        var runtime = new DeterministicRuntime(Programs.Of(ReadLockedBy(1), t => Read(t), ReadLockedBy(1), WriteLocked));
        runtime.Run(new InTurn(), 0);

        Assert.Equal(FindingKind.DataRace, Assert.Single(runtime.Sightings).Finding.Kind);
        Assert.Equal(1, runtime.Trace[runtime.Sightings[0].OtherStep].Thread);
    }

    [Fact]
    public void Write_UnorderedWithAWriteAndSeveralReads_RacesWithEach() =>
        Assert.Equal([2, 3, 0], RacingWithTheLast(t => Write(t), t => Read(t, Marking.DataRace), t => Read(t), t => Read(t), t => Write(t)));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Write_UnorderedWithReadsThatAreOrderedAmongThemselves_RacesWithEachWhicheverCameFirst(bool othersFirst)
    {
        // The readers under the lock are ordered, so that for happens-before the later one speaks for both; the pairs are two.
        Func<KernelThread, Flow>[] readers = [ReadLockedBy(1), ReadLockedBy(1)];
        Func<KernelThread, Flow>[] others = [t => Read(t)];
        Func<KernelThread, Flow> writer = t => Write(t);

        Assert.Equal([0, 1, 2], RacingWithTheLast([.. othersFirst ? others.Concat(readers) : readers.Concat(others), writer]));
    }

    [Fact]
    public void SecondWrite_AfterOneThatRacedWithARead_RacesWithThatReadToo() =>
        Assert.Equal([0, 1], RacingWithTheLast(t => Read(t), t => Write(t, Marking.Once), t => Write(t)));

    [Fact]
    public void Reads_BeforeAWriteThatIsOrderedAfterThem_AreForgotten()
    {
        // T0 and T1 read under the lock, T1 writes there: that write speaks for both. T2 reads under another lock: new.
        static async Flow ReadAndWriteLocked(KernelThread t)
        {
            await t.Lock(s_box.A);
            await Read(t);
            await Write(t);
            await t.Unlock(s_box.A);
        }

        Assert.Equal([2], RacingWithTheLast(ReadLockedBy(1), ReadAndWriteLocked, ReadLockedBy(2), WriteLocked));
    }

    [Fact]
    public void Stores_UnderTheReadSideOfOneRwsem_RaceEvenOneAfterTheOther()
    {
        static async Flow Store(KernelThread t)
        {
            await t.DownRead(s_box.Sem);
            await Write(t);
            await t.UpRead(s_box.Sem);
        }

        var runtime = new DeterministicRuntime(Programs.Of(Store, Store));
        runtime.Run(new InTurn(), 0);

        Assert.Equal(FindingKind.DataRace, Assert.Single(runtime.Sightings).Finding.Kind);
    }

    [Fact]
    public void ManyReaders_UnderTheReadSide_AreSilentWithAWriter()
    {
        static async Flow Reader(KernelThread t)
        {
            await t.DownRead(s_box.Sem);
            await Read(t);
            await t.UpRead(s_box.Sem);
        }

        AssertSilent(
            Reader,
            Reader,
            async t =>
            {
                await t.DownWrite(s_box.Sem);
                await Write(t);
                await t.UpWrite(s_box.Sem);
            });
    }

    [Fact]
    public void MarkedReader_BehindAMarkedWriter_StillRacesWithALaterPlainWrite()
    {
        // T0 READ_ONCE x | T1 WRITE_ONCE x, complete | T2 wait, x = 1: T2 is ordered after T1 but not after T0.
        var runtime = new DeterministicRuntime(Programs.Of(
            t => Read(t, Marking.Once),
            async t =>
            {
                await Write(t, Marking.Once);
                await t.Complete(s_box.Done);
            },
            async t =>
            {
                await t.WaitFor(s_box.Done);
                await Write(t);
            }));
        runtime.Run(new InTurn(), 0);

        Assert.Equal(0, runtime.Trace[Assert.Single(runtime.Sightings).OtherStep].Thread);
    }

    [Fact]
    public void ExcusedLoad_AfterAPlainOne_DoesNotHideIt()
    {
        var runtime = new DeterministicRuntime(Programs.Of(
            async t =>
            {
                await Read(t);
                await Read(t, Marking.DataRace);
            },
            t => Write(t)));
        runtime.Run(new InTurn(), 0);

        Assert.Single(runtime.Sightings);
    }

    [Fact]
    public void Free_UnorderedWithALoad_Races()
    {
        var explored = Explore.All(
            async t => await t.Load(s_box.X),
            async t => await t.Free(s_box));

        Assert.True(explored.Saw(FindingKind.DataRace));
        Assert.True(explored.Saw(FindingKind.UseAfterFree));
    }

    [Fact]
    public void Free_OrderedAfterTheLoad_IsSilent() => AssertSilent(
        async t =>
        {
            await t.Load(s_box.X);
            await t.Complete(s_box.Done);
        },
        async t =>
        {
            await t.WaitFor(s_box.Done);
            await t.Free(s_box);
        });

    [Fact]
    public void TailWords_AreWordsOfTheirOwn()
    {
        static Explored Run(int first, int second)
        {
            var made = new Box(Address.Create(Home.Soc, 2, 0));
            return Explore.All(
                async t =>
                {
                    await t.Allocate<Box>(Home.Soc, tail: 2);
                    await t.Complete(s_box.Done);
                    await t.Store(made.Id(first), 1UL);
                },
                async t =>
                {
                    await t.WaitFor(s_box.Done);
                    await t.Store(made.Id(second), 1UL);
                });
        }

        Assert.False(Run(0, 1).Saw(FindingKind.DataRace));
        Assert.True(Run(1, 1).Saw(FindingKind.DataRace));
    }

    [Fact]
    public void Race_FoundInEitherOrder_IsOneFinding()
    {
        var explored = Explore.All(t => Write(t), t => Read(t));

        Assert.Single(explored.Races);
    }

    [Fact]
    public void Schedules_AreNotMixedUp()
    {
        // Each schedule on its own is silent; step numbers of an earlier one must not leak in.
        var runtime = new DeterministicRuntime(Programs.Of(WriteLocked, WriteLocked, t => Read(t, Marking.DataRace)));
        var strategy = new RandomWalk(3);
        for (var i = 0; i < 1000; i++)
        {
            strategy.BeginSchedule(i);
            runtime.Run(strategy, i);
            Assert.Empty(runtime.Sightings);
        }
    }

    [Fact]
    public void ReusedThreadSlot_DoesNotInheritWhatItsFormerThreadKnew()
    {
        // T1 writes under the lock. 69 short threads learn of it, the 70th has the slot of one of them and does not.
        static async Flow Learn(KernelThread t)
        {
            await t.Lock(s_box.A);
            await t.Unlock(s_box.A);
        }

        var program = Programs.Of(
            async t =>
            {
                for (var i = 0; i < 70; i++)
                {
                    await t.Spawn(new ThreadStart($"child {i}", i < 69 ? Learn : c => Write(c)));
                    await t.Sleep(TimeSpan.FromTicks(1));
                }

                await t.Complete(s_box.Done);
            },
            async t =>
            {
                await WriteLocked(t);
                await t.WaitFor(s_box.Done);
            });
        var runtime = new DeterministicRuntime(program);
        var end = runtime.Run(new InTurn(backwards: true), 0);

        Assert.Equal(ScheduleEnd.Completed, end);
        Assert.Contains(runtime.Sightings, sighting => sighting.Finding.IsRace);
    }

    /// <summary>Runs the threads one after the other.</summary>
    /// <returns>The threads whose steps race with the last one's, in the order in which they are told.</returns>
    private static IEnumerable<int> RacingWithTheLast(params Func<KernelThread, Flow>[] bodies)
    {
        var runtime = new DeterministicRuntime(Programs.Of(bodies));
        runtime.Run(new InTurn(), 0);
        return runtime.Sightings.Where(sighting => sighting.Thread == bodies.Length - 1).Select(sighting => runtime.Trace[sighting.OtherStep].Thread);
    }

    private static void AssertSilent(params Func<KernelThread, Flow>[] bodies)
    {
        var explored = Explore.All(bodies);
        Assert.Empty(explored.Findings);
        Assert.Equal([ScheduleEnd.Completed], explored.Ends);
    }

    private static void AssertRaces(params Func<KernelThread, Flow>[] bodies)
    {
        var explored = Explore.All(bodies);
        Assert.Empty(explored.Consequences);
        Assert.True(explored.Saw(FindingKind.DataRace), explored.ToString());
    }

    private static async Flow Write(KernelThread t, Marking marking = Marking.Plain) => await t.Store(s_box.X, 1UL, marking);

    private static async Flow Read(KernelThread t, Marking marking = Marking.Plain) => await t.Load(s_box.X, marking);

    private static async Flow WriteLocked(KernelThread t)
    {
        await t.Lock(s_box.A);
        await Write(t);
        await t.Unlock(s_box.A);
    }

    private static Func<KernelThread, Flow> ReadLockedBy(int mutex) => async t =>
    {
        await t.Lock(mutex == 1 ? s_box.A : s_box.B);
        await Read(t);
        await t.Unlock(mutex == 1 ? s_box.A : s_box.B);
    };

    private static async Flow Publish(KernelThread t, Marking marking)
    {
        await Write(t);
        await t.Store(s_box.Y, 1UL, marking);
    }

    private static async Flow Consume(KernelThread t, Marking marking)
    {
        if (await t.Load(s_box.Y, marking) == 1)
        {
            await Read(t);
        }
    }
}
