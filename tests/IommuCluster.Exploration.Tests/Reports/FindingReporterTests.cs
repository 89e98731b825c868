using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Reports;

public sealed class FindingReporterTests
{
    private static async Flow Reader(KernelThread t)
    {
        using var frame = t.Call();
        await t.Lock(Box.At(1).A);
        var box = await t.Load(Box.At(0).Next);
        if (!box.IsNull)
        {
            await t.Load(box.Y);
        }

        await t.Unlock(Box.At(1).A);
    }

    private static async Flow Maker(KernelThread t)
    {
        using var frame = t.Call();
        var box = await t.Allocate<Box>(Home.Soc);
        await t.Store(Box.At(0).Next, box);
        await Drop(t);
    }

    private static async Flow Drop(KernelThread t)
    {
        using var frame = t.Call();
        var box = await t.Load(Box.At(0).Next);
        await t.Store(Box.At(0).Next, default);
        await t.Free(box);
    }

    private static async Flow ReadsTwice(KernelThread t)
    {
        using var frame = t.Call();
        if (!(await t.Load(Box.At(0).Next)).IsNull)
        {
            var again = await t.Load(Box.At(0).Next);
            await t.Load(again.Y);
        }
    }

    private static FindingReport Report(FindingKind kind, params Func<KernelThread, Flow>[] bodies)
    {
        var workload = Programs.Of(bodies);
        var result = Explorer.Run(workload, new StateSearch(), new ExplorationOptions { StopAt = seen => seen.Finding.Kind == kind }, TimeProvider.System);
        var seen = result.All.First(each => each.Finding.Kind == kind);
        return FindingReporter.Create(workload, new RuntimeOptions(), seen.Finding, seen.Schedules, home => $"home {home.Index}")!;
    }

    [Fact]
    public void Create_Race_TellsMarkingAndLocksOfBothAccesses()
    {
        var report = Report(
            FindingKind.DataRace,
            async t =>
            {
                await t.Lock(Box.At(0).A);
                await t.Store(Box.At(0).X, 1UL);
                await t.Unlock(Box.At(0).A);
            },
            async t => await t.ReadOnce(Box.At(0).X));

        var (write, read) = report.Here.Text.StartsWith("write", StringComparison.Ordinal) ? (report.Here, report.Other!) : (report.Other!, report.Here);
        Assert.Equal((Marking.Plain, Marking.Once), (write.Marking, read.Marking));
        Assert.Equal<string>(["&box->a (T0)"], write.Held);
        Assert.Empty(read.Held);
    }

    [Fact]
    public void Create_UseAfterFree_HasTheStacksOfUseFreeAndAllocation()
    {
        var report = Report(FindingKind.UseAfterFree, Reader, Maker);

        Assert.Equal(nameof(Reader), report.Here.Frames[0]);
        Assert.Equal([nameof(Drop), nameof(Maker)], report.Other!.Frames.ToArray());
        Assert.Equal([nameof(Maker)], report.Allocation!.Frames.ToArray());
        Assert.Equal("box of home 0", report.ObjectName);
        Assert.Equal(8, (int)(report.FaultAddress!.Value & 0xf));
        Assert.Contains(report.Threads, thread => thread.Held.Any(held => held.StartsWith("&box->a ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Create_UseAfterFree_MarksWhatAReaderNeeds()
    {
        var report = Report(FindingKind.UseAfterFree, Reader, Maker);

        var told = report.Steps.Where(step => step.Matters).Select(step => step.Text).ToArray();
        string[] needed = ["alloc box", "write box->next = box", "lock &box->a", "read box->next: box", "write box->next = NULL", "free box", "read box->y after free"];
        Assert.Empty(needed.Except(told, StringComparer.Ordinal));
        Assert.Equal("read box->y after free", told[^1]);
    }

    [Fact]
    public void Create_NullDereference_NamesTheStoreThatClearedThePointer()
    {
        var report = Report(FindingKind.NullDereference, ReadsTwice, Maker);

        Assert.Equal("write box->next = NULL", report.Other!.Text.Split(" (")[0]);
        Assert.Equal(nameof(Drop), report.Other.Frames[0]);
        Assert.Equal(8UL, report.FaultAddress);
    }

    [Fact]
    public void Create_Race_HasBothStacks()
    {
        var report = Report(FindingKind.DataRace, Reader, Maker);

        Assert.NotEqual(report.Here.ThreadId, report.Other!.ThreadId);
        Assert.Equal(2, report.Threads.Length);
    }

    [Fact]
    public void Create_ScheduleThatDoesNotShowIt_IsNull() =>
        Assert.Null(FindingReporter.Create(
            Programs.Of(Reader, Maker), new RuntimeOptions(), new Finding(FindingKind.Hang, "f", "", "", "", ""), [Exploration.Replay.Schedule.Default]));
}
