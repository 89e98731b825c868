using System.Diagnostics.Metrics;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>
/// The meter of the deterministic runtime. Everything is published once a schedule; what nobody listens to is not even
/// looked at. Names, units and attributes are told in the README of IommuCluster.Telemetry.
/// </summary>
public sealed class ExplorationInstruments : IScheduleObserver, IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "IommuCluster.Exploration";

    private readonly Counter<long> _schedules;
    private readonly Counter<long> _steps;
    private readonly Counter<long> _findings;
    private readonly Counter<long> _acquisitions;
    private readonly Counter<long> _contentions;
    private readonly Histogram<long> _waits;
    private readonly Counter<long> _probes;

    /// <summary>Makes the meter.</summary>
    public ExplorationInstruments()
    {
        Meter = new Meter(MeterName);
        _schedules = Meter.CreateCounter<long>("iommucluster.schedules", "{schedule}", "Schedules run to their end.");
        _steps = Meter.CreateCounter<long>("iommucluster.steps", "{step}", "Steps of kernel threads.");
        _findings = Meter.CreateCounter<long>("iommucluster.findings", "{finding}", "Findings, each once a schedule.");
        _acquisitions = Meter.CreateCounter<long>("iommucluster.lock.acquisitions", "{acquisition}", "Locks taken.");
        _contentions = Meter.CreateCounter<long>("iommucluster.lock.contentions", "{contention}", "Locks that somebody else held meanwhile.");
        _waits = Meter.CreateHistogram<long>("iommucluster.lock.wait.steps", "{step}", "Steps that others took while a thread waited for a lock.");
        _probes = Meter.CreateCounter<long>("iommucluster.probes", "{device}", "Devices with a driver, by how their probe came out at the end of a schedule.");
    }

    /// <summary>The meter.</summary>
    public Meter Meter { get; }

    /// <inheritdoc/>
    public void Ended(DeterministicRuntime runtime, ScheduleEnd end)
    {
        if (_schedules.Enabled)
        {
            _schedules.Add(1, Attributes.Of("iommucluster.schedule.end", Attributes.Word(end)));
        }

        _steps.Add(runtime.Trace.Count);
        if (_findings.Enabled)
        {
            _findings.Tell(runtime.Sightings.Select(sighting => sighting.Finding));
        }

        if (_acquisitions.Enabled || _contentions.Enabled || _waits.Enabled)
        {
            TellLocks(LockTally.Of(runtime.Trace));
        }

        if (_probes.Enabled && end == ScheduleEnd.Completed)
        {
            TellProbes(runtime);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();

    private void TellLocks(LockTally tally)
    {
        foreach (var (name, use) in tally.Classes)
        {
            var attribute = Attributes.Of("iommucluster.lock.class", name);
            _acquisitions.Add(use.Acquisitions, attribute);
            _contentions.Add(use.Contentions, attribute);
        }

        foreach (var (name, steps) in tally.Waits)
        {
            _waits.Record(steps, Attributes.Of("iommucluster.lock.class", name));
        }
    }

    private void TellProbes(DeterministicRuntime runtime)
    {
        if (runtime.Workload.Machine is { } machine) // A program without a machine has no devices.
        {
            _probes.Tell(BootCensus.Take(machine, runtime.Bank).Select(device => device.Outcome));
        }
    }
}
