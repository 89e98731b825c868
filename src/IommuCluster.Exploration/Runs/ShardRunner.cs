using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>Runs shards, one after the other, on a runtime of its own: one worker's part of a campaign.</summary>
/// <param name="workload">What to run; shared with nobody who runs at the same time.</param>
/// <param name="options">How to watch.</param>
public sealed class ShardRunner(Workload workload, RuntimeOptions options)
{
    private DeterministicRuntime? _runtime;
    private (int Round, ISearch Search)? _kept;

    /// <summary>True to keep a search of one mind here from shard to shard, instead of writing it down after each: for a campaign's only worker.</summary>
    public bool KeepsSearch { get; init; }

    /// <summary>Makes the runtime that a shard asks for, as its run would else do first.</summary>
    /// <param name="shard">The shard.</param>
    public void Prepare(Shard shard) => RuntimeFor(shard);

    /// <summary>Runs a shard.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="isOver">Asked before each schedule: true ends the shard early; null never does.</param>
    /// <returns>What it saw: the same for the same shard, whatever was run before.</returns>
    /// <exception cref="InvalidDataException">The search in it is damaged.</exception>
    public ShardResult Run(Shard shard, Func<bool>? isOver = null)
    {
        if (StrategyCatalog.IsOfOneMind(shard.Strategy))
        {
            var search = SearchOf(shard);
            return With(Run(shard, search, isOver), search);
        }

        if (!shard.Search.IsEmpty)
        {
            var subtree = SearchTree.Read(shard.Search.Span, DporSubtree.Load);
            return Run(shard, new SourceDpor(subtree), isOver) with { Search = SearchTree.Write(subtree.Save), IsExhausted = subtree.IsDone };
        }

        return Run(shard, shard.Flips.IsEmpty ? StrategyCatalog.CreateSampler(shard.Strategy, shard.Seed, shard.Length) : new RaceFlip(shard.Seed, shard.First, shard.Flips), isOver);
    }

    /// <summary>Writes the search that is kept here.</summary>
    /// <returns>The bytes for the next shard; empty when there is none.</returns>
    public ReadOnlyMemory<byte> SaveSearch() => _kept is { } kept ? Bytes(kept.Search) : default;

    private ShardResult Run(Shard shard, IStrategy strategy, Func<bool>? isOver)
    {
        var runtime = RuntimeFor(shard);
        runtime.Lockdep?.Forget();
        runtime.ForgetSwitches();
        var log = new ScheduleLog(runtime);
        for (var number = shard.First; number < shard.First + shard.Schedules && isOver?.Invoke() != true && strategy.BeginSchedule(number); number++)
        {
            var end = runtime.Run(strategy, number);
            strategy.EndSchedule(end);
            log.Note(number, end);
            if (number == shard.First && !StrategyCatalog.HashesStates(shard.Strategy))
            {
                log.NoteHints(); // One schedule of a shard tells most of them, at next to no cost.
            }

            if (runtime.ChoiceCount == 0)
            {
                break; // Nobody has a choice: there is no other schedule.
            }
        }

        return ResultOf(shard, log.ToState());
    }

    private DeterministicRuntime RuntimeFor(Shard shard)
    {
        var hashing = options.StateHashing || StrategyCatalog.HashesStates(shard.Strategy);
        return _runtime is { } made && made.HasStateKeys == hashing ? made : _runtime = new DeterministicRuntime(workload, options with { StateHashing = hashing });
    }

    /// <summary>The search that a shard begins or goes on with.</summary>
    private ISearch SearchOf(Shard shard)
    {
        if (shard.Search.IsEmpty && shard.Round > 0)
        {
            return _kept is { } kept && kept.Round == shard.Round ? kept.Search
                : throw new InvalidOperationException($"Round {shard.Round} of the search goes on with what another worker has kept.");
        }

        var search = StrategyCatalog.CreateSearch(shard.Strategy, shard.ContextBound);
        return shard.Search.IsEmpty ? search : SearchTree.Read(shard.Search.Span, reader =>
        {
            ((IResumable)search).Load(reader);
            return search;
        });
    }

    private ShardResult With(ShardResult result, ISearch search)
    {
        _kept = KeepsSearch ? (result.Round + 1, search) : null;
        var isWritten = !KeepsSearch && !search.IsExhausted;
        return result with { Search = isWritten ? Bytes(search) : default, IsExhausted = search.IsExhausted, Reach = SearchReach.Of(search) };
    }

    private static byte[] Bytes(ISearch search) => SearchTree.Write(((IResumable)search).Save);

    private static ShardResult ResultOf(Shard shard, LedgerState seen) => new()
    {
        Round = shard.Round,
        Index = shard.Index,
        Schedules = (int)seen.Schedules,
        Abandoned = (int)seen.Abandoned,
        Steps = seen.Steps,
        MostChoices = seen.MostChoices,
        Switches = seen.Switches,
        Findings = [.. seen.Findings.Where(each => each.AtBoot || each.Finding.Kind != FindingKind.LockOrder)],
        LockEdges = seen.LockEdges,
        EdgeMakers = seen.EdgeMakers,
        RaceOrders = seen.RaceOrders,
        Hints = seen.Hints,
    };
}
