using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Silo.Running;

/// <summary>Counts what boots by free concurrency show: one entry a finding.</summary>
internal sealed class SeenFindings
{
    private readonly List<ObservedFinding> _seen = [];

    /// <summary>The findings so far.</summary>
    public IEnumerable<Finding> Findings => _seen.Select(each => each.Finding);

    /// <summary>Boots noted.</summary>
    public int Boots { get; private set; }

    /// <summary>Steps that they took.</summary>
    public long Steps { get; private set; }

    /// <summary>Notes a boot.</summary>
    /// <param name="findings">What it showed, each once.</param>
    /// <param name="steps">Steps that it took.</param>
    public void Note(ImmutableArray<Finding> findings, long steps)
    {
        foreach (var finding in findings)
        {
            var index = _seen.FindIndex(each => each.Finding.IsSameAs(finding));
            if (index < 0)
            {
                _seen.Add(new ObservedFinding(finding, new Sighting(finding, Step: -1, Thread: -1, OtherStep: -1), Boots, Count: 1, []));
            }
            else
            {
                _seen[index] = _seen[index] with { Count = _seen[index].Count + 1 };
            }
        }

        Boots++;
        Steps += steps;
    }

    /// <summary>All that was noted.</summary>
    /// <returns>Consequences and races, each in the order of first sight. Without schedules: free concurrency cannot be replayed.</returns>
    public ILookup<bool, ObservedFinding> ByRace() => _seen.Select(each => each with { InEverySchedule = each.Count == Boots }).ToLookup(each => each.Finding.IsRace);
}
