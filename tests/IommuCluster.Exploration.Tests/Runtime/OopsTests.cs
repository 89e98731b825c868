using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Runtime;

public sealed class OopsTests
{
    private static readonly Box s_box = Box.At(0);

    [Theory]
    [InlineData(Architecture.Arm64, "0x18")]
    [InlineData(Architecture.Arm, "0xc")]
    public void Load_ThroughNull_PrintsTheFieldsByteOffset(Architecture architecture, string address)
    {
        var program = Programs.Of(async t => await t.Load(default(Box).Count)) with { Architecture = architecture };
        var finding = Explore.All(program).Single(FindingKind.NullDereference);

        Assert.Contains($"address: {address} ", finding.Message, StringComparison.Ordinal);
        Assert.Equal(("box", "count"), (finding.ObjectType, finding.Field));
    }

    [Fact]
    public void Load_OfFreedObject_IsUseAfterFreeAndNamesTheFree()
    {
        var runtime = Run(async t =>
        {
            await t.Load(s_box.X);
            await t.Free(s_box);
            await t.Store(s_box.Next, default);
        });

        var sighting = Assert.Single(runtime.Sightings);
        Assert.Equal((FindingKind.UseAfterFree, "box", "next"), (sighting.Finding.Kind, sighting.Finding.ObjectType, sighting.Finding.Field));
        Assert.Equal((2, 1), (sighting.Step, sighting.OtherStep));
    }

    [Theory]
    [InlineData(FindingKind.DoubleFree)]
    [InlineData(FindingKind.OutOfBounds)]
    [InlineData(FindingKind.WildPointer)]
    public void OtherFaults_AreNamed(FindingKind kind)
    {
        var runtime = Run(async t =>
        {
            var made = await t.Allocate<Box>(Home.Soc, tail: 1);
            switch (kind)
            {
                case FindingKind.DoubleFree:
                    await t.Free(made);
                    await t.Free(made);
                    break;
                case FindingKind.OutOfBounds:
                    await t.Load(made.Id(1));
                    break;
                default:
                    await t.Load(new Box(new Address(Address.Poison)).X);
                    break;
            }
        });

        Assert.Equal(kind, Assert.Single(runtime.Sightings).Finding.Kind);
    }

    [Fact]
    public void Free_ThatMeetsALoad_IsOneOfTwoFindings()
    {
        var explored = Explore.All(async t => await t.Free(s_box), async t => await t.Load(s_box.X));

        Assert.Equal([ScheduleEnd.Completed, ScheduleEnd.Oopsed], explored.Ends);
    }

    [Fact]
    public void Oops_EndsTheScheduleAndTheThread()
    {
        var runtime = new DeterministicRuntime(Programs.Of(
            async t =>
            {
                await t.Load(default(Box).X);
                await t.Store(s_box.X, 1UL);
            },
            async t => await t.Store(s_box.X, 2UL)));

        Assert.Equal(ScheduleEnd.Oopsed, runtime.Run(new InTurn(), 0));
        Assert.Equal(1, runtime.Trace.Count);
        Assert.Equal(FaultKind.NullDereference, runtime.Trace[0].Fault);
        Assert.Equal(0UL, runtime.Bank.Peek(s_box.Address, 0));
    }

    [Fact]
    public void Oops_WhenTheScenarioGoesOn_LeavesTheLocksHeld()
    {
        var runtime = new DeterministicRuntime(
            Programs.Of(
                async t =>
                {
                    await t.Lock(s_box.A);
                    await t.Load(default(Box).X);
                    await t.Unlock(s_box.A);
                },
                async t => await t.Store(s_box.X, 2UL),
                async t => await t.Lock(s_box.A)),
            new RuntimeOptions { GoOnAfterOops = true, Snapshots = true });

        Assert.Equal(ScheduleEnd.Stuck, runtime.Run(new InTurn(), 0));
        Assert.Equal(2UL, runtime.Bank.Peek(s_box.Address, 0));
        Assert.Equal([FindingKind.NullDereference, FindingKind.Hang], runtime.Sightings.Select(sighting => sighting.Finding.Kind));
        var threads = runtime.Sightings[1].Threads;
        Assert.Equal(["ended", "ended", "waits for &box->a"], threads.Select(thread => thread.State));
        Assert.Single(threads[0].Held);
    }

    [Fact]
    public void Oops_WhenTheScenarioGoesOnAndNothingElseIsLeft_Completes()
    {
        var runtime = new DeterministicRuntime(Programs.Of(async t => await t.Load(default(Box).X)), new RuntimeOptions { GoOnAfterOops = true });

        Assert.Equal(ScheduleEnd.Completed, runtime.Run(new InTurn(), 0));
    }

    [Fact]
    public void Call_NamesTheFunctionInTheFinding()
    {
        var runtime = Run(async t =>
        {
            using (t.Call("outer"))
            {
                using (t.Call("inner"))
                {
                    await t.Load(s_box.X);
                }

                await t.Load(default(Box).X);
            }
        });

        var sighting = Assert.Single(runtime.Sightings);
        Assert.Equal("outer", sighting.Finding.Function);
        Assert.Equal("outer", Assert.Single(sighting.Threads[0].Frames));
        Assert.Equal("inner", runtime.Trace[0].Function);
    }

    private static DeterministicRuntime Run(Func<KernelThread, Flow> body) =>
        Explore.Once(new InTurn(), Programs.Of(body), new RuntimeOptions { Snapshots = true }).Runtime;
}
