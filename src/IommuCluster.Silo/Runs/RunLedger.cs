using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Verdicts;
using IommuCluster.Silo.Running;

namespace IommuCluster.Silo.Runs;

/// <summary>
/// Keeps the books of a run: which slices are left, what those done saw, each counted once, and what it means. Results
/// come in any order and again and again; the books are the same. A plain class, which knows neither grains nor clocks.
/// </summary>
internal sealed class RunLedger
{
    /// <summary>Boots of a slice.</summary>
    public const int BootsASlice = 10;

    /// <summary>SoCs of a slice. At its end the last few leave cores idle, and slices of one size come to their ends together, so it is some times <see cref="SocsAtOnce"/>.</summary>
    public const int SocsASlice = 64;

    /// <summary>SoCs of a slice that boot at the same time. More only make caches colder.</summary>
    public const int SocsAtOnce = 16;

    private readonly ImmutableArray<ScenarioCase> _cases;
    private readonly ImmutableArray<CaseCampaign?> _campaigns;
    private readonly Dictionary<(int Case, long First), long> _underWay = [];

    /// <summary>Opens the books of a run.</summary>
    /// <param name="record">What is kept of it.</param>
    /// <param name="cases">Its cases; none are needed for the books of a run that is over.</param>
    public RunLedger(RunRecord record, ImmutableArray<ScenarioCase> cases)
    {
        Record = record;
        _cases = cases;
        _campaigns = [.. cases.Zip(record.Cases, (scenarioCase, kept) => kept is { Campaign: { } state, Outcome: null } ? new CaseCampaign(scenarioCase, state) : null)];
        if (!IsOver && !cases.IsEmpty)
        {
            Settle(); // What was under way at a silo that is gone may have been all that it waited for.
        }
    }

    /// <summary>What is to be kept.</summary>
    public RunRecord Record { get; private set; }

    /// <summary>True once nothing changes any more.</summary>
    public bool IsOver => Record.IsOver;

    /// <summary>Begins a run.</summary>
    /// <param name="order">What was asked.</param>
    /// <param name="read">What it names.</param>
    /// <returns>Its first record.</returns>
    public static RunRecord Begin(RunOrder order, ReadOrder read) =>
        new(order, read.Scenario.Name, RunPhase.Running, Version: 1, [.. read.Cases.Select(each => Begin(order, each))], Retries: 0, Error: null, Replay: null);

    /// <summary>Takes a slice that nobody has done or does.</summary>
    /// <returns>The slice, or null when there is none to begin.</returns>
    public RunSlice? Take()
    {
        for (var number = 0; number < Record.Cases.Length && Record.Phase == RunPhase.Running; number++)
        {
            if (NextOf(number) is { } slice)
            {
                _underWay.Add(slice.Place, 0);
                return slice;
            }
        }

        return null;
    }

    /// <summary>Gives a slice back that was not done.</summary>
    /// <param name="slice">The slice.</param>
    public void GiveBack(RunSlice slice)
    {
        Forget(slice);
        if (slice.ToShard() is { } shard)
        {
            _campaigns[slice.CaseNumber]?.GiveBack(shard);
        }

        Change(Record);
    }

    /// <summary>Notes that time has passed; it counts for the cases that have slices under way. When the time of one is up, no more of it is begun.</summary>
    /// <param name="time">How much, since the last note.</param>
    public void NoteTime(TimeSpan time)
    {
        foreach (var number in _underWay.Keys.Select(key => key.Case).Distinct())
        {
            Keep(number, Record.Cases[number] with { Elapsed = Record.Cases[number].Elapsed + time });
        }
    }

    /// <summary>Tells a slice how much time its case has left by now.</summary>
    /// <param name="slice">The slice.</param>
    /// <returns>The same slice, as it is to be begun.</returns>
    public RunSlice Timed(RunSlice slice) => slice with { TimeLeft = TimeLeft(slice.CaseNumber) };

    /// <summary>Notes how far a slice is.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="done">Boots or schedules done.</param>
    /// <returns>True when it is further than it was.</returns>
    public bool NoteProgress(RunSlice slice, long done)
    {
        if (!_underWay.TryGetValue(slice.Place, out var known) || known == done)
        {
            return false;
        }

        _underWay[slice.Place] = done;
        Change(Record);
        return true;
    }

    /// <summary>Notes who does a slice: another one than before says that the slice had to be begun again.</summary>
    /// <param name="slice">The slice; of its SoCs those that were done, as far as was heard, and those under way are lost.</param>
    /// <param name="attempt">Which attempt it is.</param>
    /// <returns>True when an earlier one was lost.</returns>
    public bool NoteAttempt(RunSlice slice, string attempt)
    {
        var record = Record.Cases[slice.CaseNumber];
        if (record.Begun.TryGetValue(slice.First, out var known) && known == attempt)
        {
            return false;
        }

        var isRetry = known is not null;
        var lost = isRetry && slice.Order.Socs is not null ? Math.Min(slice.Count ?? 0, _underWay.GetValueOrDefault(slice.Place) + SocsAtOnce) : 0;
        Keep(slice.CaseNumber, record with { Begun = record.Begun.SetItem(slice.First, attempt), Lost = record.Lost + lost });
        Change(Record with { Retries = Record.Retries + (isRetry ? 1 : 0) });
        return isRetry;
    }

    /// <summary>Notes what a slice did, once.</summary>
    /// <param name="slice">The slice.</param>
    /// <param name="result">What it did.</param>
    /// <returns>True when there is news to be kept; what a shard saw is kept with its round.</returns>
    public bool Note(RunSlice slice, SliceResult result)
    {
        Forget(slice);
        if (IsOver || (slice.ShardText is null && Record.Cases[slice.CaseNumber].IsDone(slice.Number)))
        {
            return false;
        }

        if (result.Failure is { } failure)
        {
            Change(Record with { Phase = RunPhase.Failed, Error = failure });
            return true;
        }

        var before = Record.Cases[slice.CaseNumber];
        Set(slice.CaseNumber, Merge(slice, result));
        Change(Record with { Replay = Record.Replay ?? result.Replay, Retries = Record.Retries + result.Lost });
        Settle();
        return IsOver || Record.Cases[slice.CaseNumber] != before;
    }

    /// <summary>Asks the run to stop.</summary>
    public void Stop()
    {
        if (Record.Phase == RunPhase.Running)
        {
            Change(Record with { Phase = RunPhase.Stopping });
            Settle();
        }
    }

    /// <summary>Ends the run with a fault of our own.</summary>
    /// <param name="error">What went wrong.</param>
    public void Fail(string error) => Change(Record with { Phase = RunPhase.Failed, Error = error });

    /// <summary>The run as it stands, for people.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>Its status.</returns>
    public RunStatus Status(string id) =>
        new(id, Record.Scenario, Record.Phase, Record.Version, [.. Record.Cases.Select(StatusOf)], Record.Retries, Record.Error, Record.Replay);

    private static CaseRecord Begin(RunOrder order, ScenarioCase scenarioCase)
    {
        var explore = scenarioCase.Explore;
        var boots = order.Boots ?? order.Socs;
        var budget = order.Replay is not null ? 1 : boots ?? explore.Schedules;
        int? size = order.Boots is not null ? BootsASlice : order.Socs is not null ? SocsASlice : null;
        var strategy = order.Replay is not null ? "replay" : boots is not null ? ClusterCaseRunner.Strategy : explore.Strategy;
        return new CaseRecord(
            scenarioCase.Name, scenarioCase.Plan.Board.Name, scenarioCase.Plan.Profile.Name, strategy, budget, size,
            DoneBelow: 0, DoneAbove: [], Done: 0, Abandoned: 0, Steps: 0, Coverage.BudgetDone, Findings: [], Outcome: null, Reasons: [],
            CaseCampaign.Fits(order) ? [] : null);
    }

    private void Forget(RunSlice slice)
    {
        _underWay.Remove(slice.Place);
        var record = Record.Cases[slice.CaseNumber];
        Keep(slice.CaseNumber, record with { Begun = record.Begun.Remove(slice.First) });
    }

    private RunSlice? NextOf(int number)
    {
        var record = Record.Cases[number];
        if (IsTimeUp(number))
        {
            return null;
        }

        if (_campaigns[number] is { } campaign)
        {
            return campaign.Take() is { } shard ? RunSlice.Of(Record.Order, record.Name, number, shard) : null;
        }

        if (record.Outcome is not null || IsEnough(number))
        {
            return null;
        }

        for (var slice = record.DoneBelow; slice < record.Slices; slice++)
        {
            var first = (long)slice * (record.SliceSize ?? 0);
            if (!record.IsDone(slice) && !_underWay.ContainsKey((number, first)))
            {
                var count = record.SliceSize is { } size ? Math.Min(size, record.Budget!.Value - first) : record.Budget; // Sliced only with a budget.
                return new RunSlice(Record.Order, record.Name, number, slice, first, count);
            }
        }

        return null;
    }

    private CaseRecord Merge(RunSlice slice, SliceResult result)
    {
        var record = Record.Cases[slice.CaseNumber];
        return slice.ToShard() is not { } shard || _campaigns[slice.CaseNumber] is not { } campaign ? Merge(record, slice, result)
            : campaign.Add(shard, RunsWire.ReadResult((result.Shard ?? []).AsSpan())) ? campaign.Told(record)
            : record;
    }

    private static CaseRecord Merge(CaseRecord record, RunSlice slice, SliceResult result) => record.With(slice.Number) with
    {
        Done = record.Done + result.Done,
        Abandoned = record.Abandoned + result.Abandoned,
        Steps = record.Steps + result.Steps,
        Coverage = record.SliceSize is null ? result.Coverage : Worst(record.Coverage, result.Coverage),
        Findings = Merge(record, result),
        Lost = record.Lost + result.Lost,
    };

    private static Coverage Worst(Coverage one, Coverage other) => one == Coverage.StoppedEarly || other == Coverage.StoppedEarly ? Coverage.StoppedEarly : Coverage.BudgetDone;

    private static ImmutableArray<SliceFinding> Merge(CaseRecord record, SliceResult result)
    {
        var merged = record.Findings.Select(known => known with { InEvery = known.InEvery && result.Findings.Any(each => IsSame(each, known) && each.InEvery) }).ToList();
        foreach (var seen in result.Findings)
        {
            var at = merged.FindIndex(known => IsSame(known, seen));
            if (at < 0)
            {
                merged.Add(seen with { InEvery = seen.InEvery && record.Done == 0 });
            }
            else
            {
                var first = merged[at].First <= seen.First ? merged[at] : seen;
                merged[at] = first with { Count = merged[at].Count + seen.Count, InEvery = merged[at].InEvery };
            }
        }

        return [.. merged.OrderBy(each => each.First).ThenBy(each => each.ToFinding().Id, StringComparer.Ordinal)];
    }

    private static bool IsSame(SliceFinding one, SliceFinding other) => one.ToFinding().IsSameAs(other.ToFinding());

    /// <summary>Ends cases of which nothing is left, and the run when no case is.</summary>
    private void Settle()
    {
        for (var number = 0; number < Record.Cases.Length; number++)
        {
            var record = Record.Cases[number];
            var isIdle = !_underWay.Keys.Any(key => key.Case == number);
            if (record.Outcome is null && isIdle && (IsWhole(number) || Record.Phase == RunPhase.Stopping))
            {
                Set(number, Judge(number, record));
            }
        }

        if (Record.Cases.All(record => record.Outcome is not null))
        {
            Change(Record with { Phase = Record.Phase == RunPhase.Stopping ? RunPhase.Stopped : RunPhase.Completed });
        }
    }

    private CaseRecord Judge(int number, CaseRecord record)
    {
        var isWhole = IsWhole(number);
        if (_campaigns[number] is { HasEnded: false } campaign)
        {
            campaign.Stop(isWhole ? Coverage.BudgetDone : Coverage.StoppedEarly);
            record = campaign.Told(record);
        }

        var coverage = isWhole ? record.Coverage : Coverage.StoppedEarly;
        var verdict = CaseVerdict.Judge(_cases[number], SeenIn(record, coverage));
        return record with { Coverage = coverage, Outcome = ScenarioWords.Kebab(verdict.Outcome), Reasons = Record.Order.Replay is null ? verdict.Reasons : [] };
    }

    /// <summary>What is left of a case's budget in time; null for none.</summary>
    private TimeSpan? TimeLeft(int number) =>
        _cases[number].Explore.Time is { } time ? TimeSpan.FromTicks(Math.Max(0, (time - Record.Cases[number].Elapsed).Ticks)) : null;

    private bool IsTimeUp(int number) => TimeLeft(number) == TimeSpan.Zero;

    /// <summary>Time that is up is a budget that is done.</summary>
    private bool IsWhole(int number) =>
        IsTimeUp(number) || IsWholeInNumber(number);

    private bool IsWholeInNumber(int number) =>
        _campaigns[number] is { } campaign ? campaign.HasEnded : Record.Cases[number].DoneBelow >= Record.Cases[number].Slices || IsEnough(number);

    /// <summary>Boots go on only until all that is expected was seen.</summary>
    private bool IsEnough(int number) =>
        Record.Order.Boots is not null && Record.Cases[number].Done > 0
        && ClusterCaseRunner.IsSeen(_cases[number], Record.Cases[number].Findings.Select(each => each.ToFinding()));

    private static ExplorationResult SeenIn(CaseRecord record, Coverage coverage)
    {
        var all = record.Findings.Select(Observed).ToLookup(each => each.Finding.IsRace);
        return new ExplorationResult(record.Strategy, coverage, record.Done, record.Abandoned, record.Steps, TimeSpan.Zero, [.. all[false]], [.. all[true]]);
    }

    private static ObservedFinding Observed(SliceFinding seen)
    {
        var finding = seen.ToFinding();
        return new ObservedFinding(finding, new Sighting(finding, Step: -1, Thread: -1, OtherStep: -1), seen.First, seen.Count, []) { InEverySchedule = seen.InEvery };
    }

    private CaseStatus StatusOf(CaseRecord record, int number) => new(
        record.Name,
        record.Board,
        record.Profile,
        record.Strategy,
        record.Budget,
        record.Done,
        record.Abandoned,
        _underWay.Where(pair => pair.Key.Case == number).Sum(pair => pair.Value) + (_campaigns.ElementAtOrDefault(number)?.Unmerged ?? 0),
        record.Steps,
        record.Outcome is null ? null : ScenarioWords.Kebab(record.Coverage),
        record.Outcome,
        record.Reasons,
        [.. record.Findings.Where(each => !each.ToFinding().IsRace).Select(StatusOf), .. record.Findings.Where(each => each.ToFinding().IsRace).Select(StatusOf)],
        record.Lost,
        record.Note);

    private static RunFinding StatusOf(SliceFinding seen) => new(
        seen.ToFinding().Id, ScenarioWords.Kebab(seen.Kind), seen.Function, seen.ObjectType, seen.Field, seen.Other, seen.Message, seen.Count, seen.First, seen.InEvery, seen.Token);

    private void Set(int number, CaseRecord record)
    {
        Keep(number, record);
        Change(Record);
    }

    /// <summary>Sets what watchers do not see, or are told of by what comes after.</summary>
    private void Keep(int number, CaseRecord record) => Record = Record with { Cases = Record.Cases.SetItem(number, record) };

    private void Change(RunRecord record) => Record = record with { Version = Record.Version + 1 };
}
