using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;

namespace IommuCluster.Exploration.Reduction;

/// <summary>
/// Shrinks a schedule to the fewest preemptions that still show a finding, then to the fewest context switches. It works
/// on the blocks between the switches of what was executed, not on the numbers of choices: taking out a block leaves its
/// steps to the thread's next one, and whatever that leads to is run and looked at. First delta debugging over the blocks
/// (Zeller, Hildebrandt, TSE 2002), then one by one: taken out, joined with the thread's next, let run on, swapped.
/// Where the runtime keeps state hashes, a search with fewer preemptions over two or three of the threads follows, as the
/// way with fewest may be one that no change of this schedule leads to. Same schedule, same result.
/// </summary>
public sealed class Minimiser
{
    private readonly DeterministicRuntime _runtime;
    private readonly string _findingId;
    private readonly int _maxRuns;
    private readonly ExclusiveSteps _exclusive = new();
    private List<Block> _blocks = [];
    private List<int> _threads = [];
    private Measure _best;
    private Schedule _schedule;
    private int _runs;

    private Minimiser(DeterministicRuntime runtime, Schedule schedule, string findingId, int maxRuns)
    {
        _runtime = runtime;
        _schedule = schedule;
        _findingId = findingId;
        _maxRuns = maxRuns;
    }

    /// <summary>Shrinks a schedule.</summary>
    /// <param name="runtime">Runs the workload; its lock graph is forgotten before each run.</param>
    /// <param name="schedule">A schedule that shows the finding.</param>
    /// <param name="findingId">The finding's id.</param>
    /// <param name="maxRuns">Schedules to run at most, the first replay among them; at least 1.</param>
    /// <returns>The shortest schedule met; with too few runs it is the given one.</returns>
    /// <exception cref="ArgumentException">The schedule alone does not show the finding, or does not fit the workload.</exception>
    public static MinimisedSchedule Minimise(DeterministicRuntime runtime, Schedule schedule, string findingId, int maxRuns = 5_000)
    {
        var minimiser = new Minimiser(runtime, schedule, findingId, maxRuns);
        if (!minimiser.Begins())
        {
            throw new ArgumentException($"The schedule {schedule.Encode()} alone does not show {findingId}.", nameof(schedule));
        }

        minimiser.Shrink();
        var decisive = minimiser.DecisiveSwitches();
        return new MinimisedSchedule(minimiser._schedule, minimiser._best.Preemptions, minimiser._best.Switches, minimiser._runs, decisive);
    }

    private bool Begins()
    {
        var (end, best) = Run(new ReplayStrategy(_schedule));
        if (end == ScheduleEnd.Diverged || best is null)
        {
            return false;
        }

        Take(best.Value);
        return true;
    }

    private void Shrink()
    {
        Measure before;
        do
        {
            before = _best;
            for (var size = Math.Max(1, _blocks.Count / 2); size >= 1; size /= 2)
            {
                RemoveChunks(size);
            }

            TryEach(JoinWithNext);
            TryEach(LetRunOn);
            TryEach(SwapWithNext);
            TryEach(PutFirst);
        }
        while ((_best.IsLessThan(before) || SearchWithFewer()) && _runs < _maxRuns);
    }

    /// <summary>The switches without which the finding does not show, as far as there are runs left to tell.</summary>
    private ImmutableArray<ContextSwitch> DecisiveSwitches()
    {
        var decisive = ImmutableArray.CreateBuilder<ContextSwitch>();
        for (var i = 0; i + 1 < _blocks.Count && _runs < _maxRuns; i++)
        {
            if (Run(new BlockStrategy(LetRunOn(i))).Measure is null)
            {
                decisive.Add(new ContextSwitch(_blocks[i].Id, _blocks[i].Until, _blocks[i + 1].Id));
            }
        }

        return decisive.ToImmutable();
    }

    /// <summary>Looks for the finding with fewer preemptions: first with its thread and one other, then with two others.</summary>
    private bool SearchWithFewer()
    {
        if (!_runtime.HasStateKeys || _threads.Count < 2)
        {
            return false;
        }

        var first = 1UL << _threads[0];
        var others = _threads.Skip(1).Select(slot => 1UL << slot).ToList();
        var pairs = others.Select(other => first | other);
        var triples = others.SelectMany((one, i) => others.Skip(i + 1).Select(two => first | one | two));
        return SearchOver([.. pairs]) || SearchOver([.. triples]);
    }

    private bool SearchOver(List<ulong> sets)
    {
        for (var bound = 0; bound < _best.Preemptions; bound++)
        {
            foreach (var slots in sets)
            {
                var search = new StateSearch(bound, slots, exclusive: _exclusive);
                while (_runs < _maxRuns && !search.IsExhausted)
                {
                    if (Keep(Run(search).Measure))
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }

    private void RemoveChunks(int size)
    {
        for (var at = 0; at < _blocks.Count;)
        {
            var candidate = _blocks.ToList();
            candidate.RemoveRange(at, Math.Min(size, candidate.Count - at));
            if (!Try(candidate))
            {
                at += size;
            }
        }
    }

    private void TryEach(Func<int, List<Block>?> change)
    {
        for (var at = 0; at < _blocks.Count;)
        {
            if (change(at) is not { } candidate || !Try(candidate))
            {
                at++;
            }
        }
    }

    /// <summary>Does the steps of the thread's next block at once.</summary>
    private List<Block>? JoinWithNext(int at)
    {
        var next = _blocks.FindIndex(at + 1, block => block.Id == _blocks[at].Id);
        if (next < 0)
        {
            return null;
        }

        var candidate = _blocks.ToList();
        candidate[at] = candidate[next];
        candidate.RemoveAt(next);
        return candidate;
    }

    private List<Block> LetRunOn(int at)
    {
        var candidate = _blocks.ToList();
        candidate[at] = candidate[at] with { Until = int.MaxValue };
        return candidate;
    }

    private List<Block>? SwapWithNext(int at)
    {
        if (at + 1 == _blocks.Count)
        {
            return null;
        }

        var candidate = _blocks.ToList();
        (candidate[at], candidate[at + 1]) = (candidate[at + 1], candidate[at]);
        return candidate;
    }

    private List<Block> PutFirst(int at)
    {
        var candidate = _blocks.ToList();
        candidate.RemoveAt(at);
        candidate.Insert(0, _blocks[at]);
        return candidate;
    }

    /// <summary>Runs the blocks and keeps what was executed when it shows the finding and is shorter than the best so far.</summary>
    private bool Try(List<Block> candidate)
    {
        if (_runs >= _maxRuns)
        {
            return false;
        }

        return Keep(Run(new BlockStrategy(candidate)).Measure);
    }

    private bool Keep(Measure? measure)
    {
        if (measure is not { } shorter || !shorter.IsLessThan(_best))
        {
            return false;
        }

        Take(shorter);
        return true;
    }

    private void Take(Measure best)
    {
        _best = best;
        _blocks = BlocksOfTrace(best.Step);
        _schedule = _runtime.ToSchedule();
        _threads = ThreadsOfFinding();
    }

    /// <summary>Runs one schedule.</summary>
    /// <returns>How it ended; how long it is when it shows the finding, else null.</returns>
    private (ScheduleEnd End, Measure? Measure) Run(IStrategy strategy)
    {
        _runtime.Lockdep?.Forget();
        var counted = new PreemptionCount(strategy);
        counted.BeginSchedule(_runs);
        var end = _runtime.Run(counted, _runs++);
        counted.EndSchedule(end);
        var step = StepOfFinding();
        var shows = step >= 0 || _runtime.BootSightings.Any(sighting => sighting.Finding.Id == _findingId);
        return (end, shows ? new Measure(counted.Preemptions, Switches(), _runtime.ToSchedule().Deviations.Length, step) : null);
    }

    private int StepOfFinding() => _runtime.Sightings.FirstOf(finding => finding.Id == _findingId)?.Step ?? -1;

    /// <summary>The slots of the thread that shows the finding and of the others that ran before, those last that ran last.</summary>
    private List<int> ThreadsOfFinding()
    {
        var slots = new List<int>();
        for (var step = StepOfFinding(); step >= 0; step--)
        {
            if (!slots.Contains(_runtime.Trace[step].Thread))
            {
                slots.Add(_runtime.Trace[step].Thread);
            }
        }

        return slots;
    }

    private int Switches()
    {
        var switches = 0;
        for (var step = 1; step < _runtime.Trace.Count; step++)
        {
            switches += _runtime.Trace[step].Id != _runtime.Trace[step - 1].Id ? 1 : 0;
        }

        return switches;
    }

    private List<Block> BlocksOfTrace(int lastStep)
    {
        var blocks = new List<Block>();
        var steps = new Dictionary<int, int>();
        for (var step = 0; step <= lastStep; step++)
        {
            var id = _runtime.Trace[step].Id;
            steps[id] = steps.GetValueOrDefault(id) + 1;
            if (blocks.Count > 0 && blocks[^1].Id == id)
            {
                blocks.RemoveAt(blocks.Count - 1);
            }

            blocks.Add(new Block(id, steps[id]));
        }

        return blocks;
    }

    /// <summary>What is better: fewer preemptions, then fewer switches, then a shorter token, then an earlier finding.</summary>
    private readonly record struct Measure(int Preemptions, int Switches, int Deviations, int Step)
    {
        public bool IsLessThan(Measure other) =>
            (Preemptions, Switches, Deviations, Step).CompareTo((other.Preemptions, other.Switches, other.Deviations, other.Step)) < 0;
    }
}
