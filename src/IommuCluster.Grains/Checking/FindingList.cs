using System.Collections.Immutable;
using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Checking;

/// <summary>Findings in the order in which they were told, each once.</summary>
internal sealed class FindingList
{
    private readonly List<FindingMessage> _findings = [];

    /// <summary>Adds what is new.</summary>
    /// <param name="findings">The findings.</param>
    public void Note(IEnumerable<FindingMessage> findings)
    {
        foreach (var finding in findings)
        {
            if (!_findings.Exists(known => known.ToFinding().IsSameAs(finding.ToFinding())))
            {
                _findings.Add(finding);
            }
        }
    }

    /// <summary>All of them.</summary>
    public ImmutableArray<FindingMessage> ToImmutable() => [.. _findings];
}
