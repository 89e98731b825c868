using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;
using IommuCluster.Silo.Runs;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Runs;

public sealed class RunLedgerTests
{
    private static readonly RunOrder s_socs = new() { Text = Toy.Text, Socs = 160 };
    private static readonly RunOrder s_boots = new() { Text = Toy.Text, Boots = 25 };
    private static readonly RunOrder s_timed = s_socs with { Case = "fix", Time = "10s" };

    [Fact]
    public void Take_UntilNothingIsLeft_CoversEverySocOnce()
    {
        var ledger = Toy.Begin(s_socs);

        var slices = TakeAll(ledger);

        Assert.Equal([(0, 0L, 64L), (0, 64, 64), (0, 128, 32), (1, 0, 64), (1, 64, 64), (1, 128, 32)], slices.Select(each => (each.CaseNumber, each.First, each.Count!.Value)));
    }

    [Fact]
    public void Note_AnyOrderAndRepeats_GiveTheSameBooks()
    {
        var inOrder = Books([0, 1, 2, 3, 4, 5]);

        Assert.Equal(inOrder, Books([5, 2, 0, 4, 1, 3]));
        Assert.Equal(inOrder, Books([3, 3, 2, 1, 2, 0, 5, 4, 4]));
    }

    [Fact]
    public void Note_AllSlices_CompletesWithVerdicts()
    {
        var ledger = Toy.Begin(s_socs);
        foreach (var slice in TakeAll(ledger))
        {
            ledger.Note(slice, slice.CaseNumber == 0 ? Toy.Did(slice, Toy.Found(FindingKind.UseAfterFree, slice.First + 7)) : Toy.Did(slice));
        }

        var status = ledger.Status("run-1");
        Assert.Equal(RunPhase.Completed, status.Phase);
        Assert.Equal(["as-expected", "as-expected"], status.Cases.Select(each => each.Outcome));
        Assert.Equal((160, 3, 7), (status.Cases[0].Done, status.Cases[0].Findings[0].Count, status.Cases[0].Findings[0].First));
    }

    [Fact]
    public void Note_ExpectedFindingNotSeen_IsNotAsExpected()
    {
        var ledger = Toy.Begin(s_socs with { Case = "bug" });
        TakeAll(ledger).ForEach(slice => ledger.Note(slice, Toy.Did(slice)));

        Assert.Equal("not-as-expected", ledger.Status("run-1").Cases[0].Outcome);
        Assert.Equal("expected, not seen: use-after-free", Assert.Single(ledger.Status("run-1").Cases[0].Reasons));
    }

    [Theory]
    [InlineData(true, true, true)]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    public void Note_FindingInEverySlice_IsInEveryOnlyIfAllSaySo(bool first, bool second, bool wanted)
    {
        var ledger = Toy.Begin(s_socs with { Case = "bug", Socs = 128 });
        var slices = TakeAll(ledger);
        ledger.Note(slices[0], first ? Toy.Did(slices[0], Toy.Found(FindingKind.UseAfterFree, 0, 64, inEvery: true)) : Toy.Did(slices[0]));
        ledger.Note(slices[1], second ? Toy.Did(slices[1], Toy.Found(FindingKind.UseAfterFree, 64, 64, inEvery: true)) : Toy.Did(slices[1]));

        Assert.Equal(wanted, Assert.Single(ledger.Record.Cases[0].Findings).InEvery);
    }

    [Fact]
    public void Take_BootsThatSawAllThatIsExpected_EndsTheCase()
    {
        var ledger = Toy.Begin(s_boots with { Case = "bug" });
        var slice = ledger.Take()!;
        ledger.Note(slice, Toy.Did(slice, Toy.Found(FindingKind.UseAfterFree, 3)));

        Assert.Null(ledger.Take());
        Assert.Equal((RunPhase.Completed, "as-expected"), (ledger.Status("run-1").Phase, ledger.Status("run-1").Cases[0].Outcome));
    }

    [Fact]
    public void Take_CaseThatExpectsNothing_IsBootedAsOftenAsAsked()
    {
        var ledger = Toy.Begin(s_boots with { Case = "fix" });

        Assert.Equal([10L, 10, 5], TakeAll(ledger).Select(slice => slice.Count!.Value));
    }

    [Fact]
    public void Take_SearchOfOneMind_IsOneSliceAtATime()
    {
        var text = Toy.Text.Replace("schedules: 5000", "strategy: states", StringComparison.Ordinal);

        Assert.Equal([0, 1], TakeAll(Toy.Begin(new RunOrder { Text = text })).Select(slice => slice.CaseNumber));
    }

    [Fact]
    public void GiveBack_Slice_IsTakenAgain()
    {
        var ledger = Toy.Begin(s_socs);
        var slice = ledger.Take()!;
        ledger.GiveBack(slice);

        Assert.Equal(slice, ledger.Take());
    }

    [Fact]
    public void Open_FromItsRecord_GoesOnWhereItWas()
    {
        var ledger = Toy.Begin(s_socs);
        var slices = TakeAll(ledger);
        ledger.Note(slices[1], Toy.Did(slices[1]));
        ledger.Note(slices[4], Toy.Did(slices[4]));

        var again = new RunLedger(ledger.Record, Toy.Orders.Read(s_socs).Cases);

        Assert.Equal([slices[0], slices[2], slices[3], slices[5]], TakeAll(again));
    }

    [Fact]
    public void Stop_WithSlicesUnderWay_WaitsForThem()
    {
        var ledger = Toy.Begin(s_socs);
        var slice = ledger.Take()!;
        ledger.Stop();
        Assert.Equal((RunPhase.Stopping, null), (ledger.Record.Phase, ledger.Take()));

        ledger.Note(slice, Toy.Did(slice) with { Done = 3, Coverage = Coverage.StoppedEarly });

        Assert.Equal(RunPhase.Stopped, ledger.Record.Phase);
        Assert.Equal((3, "no-verdict"), (ledger.Record.Cases[0].Done, ledger.Record.Cases[0].Outcome));
    }

    [Fact]
    public void Open_WhileStopping_EndsTheRunWithWhatIsKept()
    {
        var ledger = Toy.Begin(s_socs);
        var slice = ledger.Take()!;
        ledger.Note(slice, Toy.Did(slice));
        ledger.Take();
        ledger.Stop();

        var again = new RunLedger(ledger.Record, Toy.Orders.Read(s_socs).Cases);

        Assert.Equal((RunPhase.Stopping, RunPhase.Stopped), (ledger.Record.Phase, again.Record.Phase));
        Assert.Equal(64, again.Record.Cases[0].Done);
    }

    [Fact]
    public void Open_WhileStopping_WaitsForNothingThatIsGone()
    {
        var ledger = Toy.Begin(s_boots);
        ledger.Take();
        ledger.Stop();

        var again = new RunLedger(ledger.Record, Toy.Orders.Read(s_boots).Cases);

        Assert.Equal((RunPhase.Stopped, "no-verdict"), (again.Record.Phase, again.Record.Cases[0].Outcome));
    }

    [Fact]
    public void Note_Failure_EndsTheRun()
    {
        var ledger = Toy.Begin(s_socs);
        ledger.Note(ledger.Take()!, SliceResult.Failed("we broke"));

        Assert.Equal((RunPhase.Failed, "we broke", null), (ledger.Record.Phase, ledger.Record.Error, ledger.Take()));
    }

    [Fact]
    public void Version_Changes_WithEverythingThatWatchersSee()
    {
        var ledger = Toy.Begin(s_socs);
        var slice = ledger.Take()!;
        var versions = new List<long> { ledger.Record.Version };
        foreach (var change in new Action[] { () => ledger.NoteProgress(slice, 5), () => ledger.NoteAttempt(slice, "first"), () => ledger.NoteAttempt(slice, "second"), () => ledger.Note(slice, Toy.Did(slice)), ledger.Stop })
        {
            change();
            versions.Add(ledger.Record.Version);
        }

        Assert.Equal(versions.Distinct().Order(), versions);
        Assert.Equal((1, 5 + RunLedger.SocsAtOnce), (ledger.Record.Retries, ledger.Record.Cases[0].Lost));
    }

    [Fact]
    public void NoteAttempt_OfAnotherThanTheOneThatWasLostWithTheRunsSilo_TellsTheLoss()
    {
        var lost = Toy.Begin(s_socs);
        Assert.False(lost.NoteAttempt(lost.Take()!, "first"));

        var again = new RunLedger(lost.Record, Toy.Orders.Read(s_socs).Cases);
        var slice = again.Take()!;

        Assert.False(again.NoteAttempt(slice, "first")); // Where only the run's silo was lost the slice goes on.
        Assert.True(again.NoteAttempt(slice, "second"));
        Assert.False(again.NoteAttempt(slice, "second"));
        again.Note(slice, Toy.Did(slice));
        Assert.Equal((1, RunLedger.SocsAtOnce), (again.Record.Retries, again.Record.Cases[0].Lost));
        Assert.Empty(again.Record.Cases[0].Begun);
    }

    [Fact]
    public void Time_UsedUp_FinishesAndCountsWhatHasBegunAndBeginsNoMore()
    {
        var ledger = Toy.Begin(s_timed);
        var slice = ledger.Take()!;
        ledger.NoteTime(TimeSpan.FromSeconds(10));
        Assert.Equal((RunPhase.Running, null), (ledger.Record.Phase, ledger.Take()));

        ledger.Note(slice, Toy.Did(slice));

        Assert.Equal((RunPhase.Completed, 64, Coverage.BudgetDone, "as-expected"), (ledger.Record.Phase, ledger.Record.Cases[0].Done, ledger.Record.Cases[0].Coverage, ledger.Record.Cases[0].Outcome));
    }

    [Fact]
    public void Time_OfBooksThatAreOpenedAgain_GoesOnWhereItWas()
    {
        var ledger = Toy.Begin(s_timed);
        var slice = ledger.Take()!;
        ledger.NoteTime(TimeSpan.FromSeconds(6));

        var again = new RunLedger(ledger.Record, Toy.Orders.Read(s_timed).Cases);

        Assert.Equal(TimeSpan.FromSeconds(4), again.Timed(slice).TimeLeft);
    }

    [Fact]
    public void Time_InWhichNothingIsUnderWay_DoesNotCount()
    {
        var ledger = Toy.Begin(s_timed);
        ledger.NoteTime(TimeSpan.FromSeconds(10));

        Assert.Equal(TimeSpan.FromSeconds(10), ledger.Timed(ledger.Take()!).TimeLeft);
    }

    private static string Books(int[] order)
    {
        var ledger = Toy.Begin(s_socs);
        var slices = TakeAll(ledger);
        foreach (var number in order)
        {
            var slice = slices[number];
            ledger.Note(slice, Toy.Did(
                slice,
                Toy.Found(FindingKind.UseAfterFree, slice.First + 3, 4),
                Toy.Found(number % 2 == 0 ? FindingKind.DoubleFree : FindingKind.ContextFault, slice.First, 1)));
        }

        var record = ledger.Record;
        return string.Join('\n', record.Cases.Select(each => $"{each.Done} {each.Steps} {each.DoneBelow} {each.Outcome} {string.Join('|', each.Findings)}"));
    }

    private static List<RunSlice> TakeAll(RunLedger ledger)
    {
        var slices = new List<RunSlice>();
        while (ledger.Take() is { } slice)
        {
            slices.Add(slice);
        }

        return slices;
    }
}
