using System.Diagnostics.Metrics;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>What the meters of both runtimes count alike.</summary>
internal static class Counts
{
    /// <summary>Counts findings by kind.</summary>
    public static void Tell(this Counter<long> counter, IEnumerable<Finding> findings)
    {
        foreach (var finding in findings)
        {
            counter.Add(1, Attributes.Of("iommucluster.finding.kind", Attributes.Word(finding.Kind)));
        }
    }

    /// <summary>Counts the devices that somebody had to probe, by outcome.</summary>
    public static void Tell(this Counter<long> counter, IEnumerable<ProbeOutcome> outcomes)
    {
        foreach (var (outcome, devices) in outcomes.CountBy(outcome => outcome).Where(pair => pair.Key != ProbeOutcome.None))
        {
            counter.Add(devices, Attributes.Of("iommucluster.probe.outcome", Attributes.Word(outcome)));
        }
    }
}
