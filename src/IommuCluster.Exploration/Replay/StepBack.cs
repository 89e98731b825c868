using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Replay;

/// <summary>What can come of a schedule from one of its steps on.</summary>
/// <param name="Step">Number of the first step that was not as recorded, counted from the start of the boot.</param>
/// <param name="Sampled">Schedules sampled at random.</param>
/// <param name="Showing">Those of them that showed the finding.</param>
/// <param name="IsCertain">True when nothing that was run from there did without the finding.</param>
/// <param name="IsExhausted">True when everything that can happen from there was run, so that <see cref="IsCertain"/> is a proof; else it is a sample.</param>
/// <param name="Seen">What showed, the finding among it; counts are over the sampled schedules and those of the search.</param>
public sealed record Retrial(int Step, int Sampled, int Showing, bool IsCertain, bool IsExhausted, ImmutableArray<ObservedFinding> Seen);

/// <summary>The step that decided a schedule.</summary>
/// <param name="After">From after it on, the finding was certain.</param>
/// <param name="Before">How it stood before the deciding step was taken; null when the finding was certain from the first choice on.</param>
public sealed record Decision(Retrial After, Retrial? Before);

/// <summary>
/// Steps back in a failing schedule: goes as recorded up to a step, and explores again from there, first at random, then
/// by a search over states. Where a finding ends its schedules (an oops, a hang) a search that exhausts is a proof.
/// </summary>
public sealed class StepBack
{
    private readonly DeterministicRuntime _runtime;
    private readonly Schedule _schedule;
    private readonly string _findingId;
    private readonly bool _endsSchedule;

    private StepBack(DeterministicRuntime runtime, Schedule schedule, string findingId, int first)
    {
        _runtime = runtime;
        _schedule = schedule;
        _findingId = findingId;
        var end = Run(new ReplayStrategy(schedule), 0);
        First = first - runtime.Trace.Count;
        Last = First + runtime.Sightings.Single(sighting => sighting.Finding.Id == findingId).Step;
        _endsSchedule = end is ScheduleEnd.Oopsed or ScheduleEnd.Stuck && Last == first - 1;
    }

    /// <summary>The first step before which there was a choice, counted from the start of the boot.</summary>
    public int First { get; }

    /// <summary>The step at which the finding shows.</summary>
    public int Last { get; }

    /// <summary>Takes a failing schedule.</summary>
    /// <param name="workload">The workload.</param>
    /// <param name="options">How it was watched.</param>
    /// <param name="schedule">The schedule.</param>
    /// <param name="findingId">The finding's id.</param>
    /// <returns>Steps back in it; null when the schedule alone does not show the finding, or shows it before anybody has a choice.</returns>
    public static StepBack? Of(Workload workload, RuntimeOptions options, Schedule schedule, string findingId)
    {
        var whole = new DeterministicRuntime(workload, options with { WholeTrace = true });
        var replay = new ReplayStrategy(schedule);
        replay.BeginSchedule(0);
        whole.Run(replay, 0);
        var runtime = new DeterministicRuntime(workload, options with { StateHashing = true });
        var isAtBoot = runtime.BootSightings.Any(sighting => sighting.Finding.Id == findingId);
        return isAtBoot || !whole.Sightings.Any(sighting => sighting.Finding.Id == findingId) ? null : new StepBack(runtime, schedule, findingId, whole.Trace.Count);
    }

    /// <summary>Explores again from a step of the schedule.</summary>
    /// <param name="step">Steps before it, counted from the start of the boot, are taken as recorded.</param>
    /// <param name="budget">Schedules to run at most, at least 2: half of them at random, half for the search.</param>
    /// <param name="seed">Seed of the random ones.</param>
    /// <returns>What can come of it.</returns>
    public Retrial From(int step, int budget, ulong seed = 1)
    {
        var log = new ScheduleLog(_runtime);
        var random = new Prefix(_schedule, step - First, new RandomWalk(seed));
        var (sampled, showing) = (0, 0);
        for (; sampled < (budget + 1) / 2; sampled++)
        {
            log.Note(sampled, Run(random, sampled));
            showing += Shows ? 1 : 0;
        }

        var search = new StateSearch();
        var systematic = new Prefix(_schedule, step - First, search);
        var isCertain = showing == sampled;
        for (var number = sampled; number < budget && !search.IsExhausted; number++)
        {
            var end = Run(systematic, number);
            log.Note(number, end);
            isCertain &= Shows || end == ScheduleEnd.Abandoned;
        }

        return new Retrial(step, sampled, showing, isCertain, search.IsExhausted && (_endsSchedule || !isCertain), [.. log.Entries.Select(entry => entry.Observed(log))]);
    }

    /// <summary>Finds the step from which on the finding was certain: if it is certain from one step on, it is from any later one.</summary>
    /// <param name="budget">Schedules to run at most for each step that is looked at.</param>
    /// <returns>The decision.</returns>
    public Decision Decide(int budget)
    {
        var (open, certain) = (First - 1, Last);
        var (before, after) = (default(Retrial), From(Last, budget));
        while (certain - open > 1)
        {
            var middle = open + ((certain - open) / 2);
            var retrial = From(middle, budget);
            (open, before, certain, after) = retrial.IsCertain ? (open, before, middle, retrial) : (middle, retrial, certain, after);
        }

        return after.IsCertain ? new Decision(after, before) : new Decision(From(Last + 1, budget), after);
    }

    private bool Shows => _runtime.Sightings.Any(sighting => sighting.Finding.Id == _findingId);

    private ScheduleEnd Run(IStrategy strategy, long number)
    {
        _runtime.Lockdep?.Forget();
        strategy.BeginSchedule(number);
        var end = _runtime.Run(strategy, number);
        strategy.EndSchedule(end);
        return end;
    }

    /// <summary>Goes as recorded for so many steps, then as another strategy says.</summary>
    private sealed class Prefix(Schedule schedule, int steps, IStrategy then) : IStrategy
    {
        private ScheduleCursor _cursor = new(schedule);

        public string Name => then.Name;

        public bool BeginSchedule(long number)
        {
            _cursor = new ScheduleCursor(schedule);
            return then.BeginSchedule(number);
        }

        public int Choose(in Choice choice) =>
            choice.Runtime.Trace.Count < steps ? _cursor.Choose(choice.Enabled, choice.Default) : then.Choose(choice);

        public void EndSchedule(ScheduleEnd end) => then.EndSchedule(end);
    }
}
