using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>Everything that some schedules of a program showed.</summary>
public sealed class Explored
{
    /// <summary>The findings by id, races among them.</summary>
    public SortedDictionary<string, Finding> Findings { get; } = new(StringComparer.Ordinal);

    /// <summary>Findings met before, so that the id is not worked out for each schedule.</summary>
    internal HashSet<Finding> Known { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The ids of all findings that are no races.</summary>
    public IEnumerable<string> Consequences => Findings.Values.Where(finding => !finding.IsRace).Select(finding => finding.Id);

    /// <summary>The ids of the races.</summary>
    public IEnumerable<string> Races => Findings.Values.Where(finding => finding.IsRace).Select(finding => finding.Id);

    /// <summary>How schedules ended, and the fingerprints of the memory then.</summary>
    public HashSet<(ScheduleEnd End, StateHash Memory)> FinalStates { get; } = [];

    /// <summary>
    /// The final states of schedules that no oops cut short. Where an oops ends a schedule, the others stand wherever
    /// they happened to be; a search that takes independent steps at once sees fewer of those, and the same findings.
    /// </summary>
    public HashSet<(ScheduleEnd End, StateHash Memory)> StatesAtRest => [.. FinalStates.Where(state => state.End != ScheduleEnd.Oopsed)];

    /// <summary>How schedules ended.</summary>
    public IEnumerable<ScheduleEnd> Ends => FinalStates.Select(state => state.End).Distinct().Order();

    /// <summary>False when the limit of schedules came first.</summary>
    public bool IsComplete { get; set; } = true;

    /// <summary>Number of schedules.</summary>
    public long Schedules { get; set; }

    /// <summary>True when a finding of the kind was seen.</summary>
    public bool Saw(FindingKind kind) => Findings.Values.Any(finding => finding.Kind == kind);

    /// <summary>The only finding of a kind.</summary>
    public Finding Single(FindingKind kind) => Findings.Values.Single(finding => finding.Kind == kind);

    /// <inheritdoc/>
    public override string ToString() => $"{Schedules} schedules ({string.Join(", ", Ends)}): {string.Join(" | ", Findings.Values.Select(finding => finding.Message))}";
}

/// <summary>Runs programs.</summary>
public static class Explore
{
    /// <summary>Runs every schedule of a small program.</summary>
    public static Explored All(Workload program, RuntimeOptions? options = null)
    {
        var explored = With(new EveryInterleaving(), program, options);
        return explored.IsComplete ? explored : throw new InvalidOperationException($"{program.Name} has more than {explored.Schedules} schedules.");
    }

    /// <summary>Runs every schedule of a small program given as threads.</summary>
    public static Explored All(params Func<KernelThread, Flow>[] bodies) => All(Programs.Of(bodies));

    /// <summary>Runs what a strategy wants to see, at most <paramref name="limit"/> schedules if it never has enough.</summary>
    public static Explored With(IStrategy strategy, Workload program, RuntimeOptions? options = null, int limit = 500_000)
    {
        var runtime = new DeterministicRuntime(program, options);
        var explored = new Explored();
        foreach (var sighting in runtime.BootSightings)
        {
            explored.Findings.TryAdd(sighting.Finding.Id, sighting.Finding);
        }

        for (; strategy.BeginSchedule(explored.Schedules); explored.Schedules++)
        {
            if (explored.Schedules == limit)
            {
                explored.IsComplete = false;
                break;
            }

            var end = runtime.Run(strategy, explored.Schedules);
            strategy.EndSchedule(end);
            Note(explored, runtime, end);
        }

        return explored;
    }

    /// <summary>Runs one schedule.</summary>
    /// <returns>The runtime at its end, and how it ended.</returns>
    public static (DeterministicRuntime Runtime, ScheduleEnd End) Once(IStrategy strategy, Workload program, RuntimeOptions? options = null)
    {
        var runtime = new DeterministicRuntime(program, options);
        strategy.BeginSchedule(0);
        var end = runtime.Run(strategy, 0);
        strategy.EndSchedule(end);
        return (runtime, end);
    }

    private static void Note(Explored explored, DeterministicRuntime runtime, ScheduleEnd end)
    {
        foreach (var sighting in runtime.Sightings)
        {
            if (explored.Known.Add(sighting.Finding))
            {
                explored.Findings.TryAdd(sighting.Finding.Id, sighting.Finding);
            }
        }

        if (end != ScheduleEnd.Abandoned)
        {
            explored.FinalStates.Add((end, runtime.Bank.Fingerprint()));
        }
    }
}
