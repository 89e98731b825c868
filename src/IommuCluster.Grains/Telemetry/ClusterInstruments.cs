using System.Diagnostics.Metrics;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Checking;

namespace IommuCluster.Grains.Telemetry;

/// <summary>The meter of the cluster's runtime. Names, units and attributes are told in the README of IommuCluster.Telemetry.</summary>
public sealed class ClusterInstruments : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "IommuCluster.Cluster";

    private const string ClassAttribute = "iommucluster.lock.class";

    private readonly TimeProvider _clock;
    private readonly Counter<long> _boots;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _steps;
    private readonly Counter<long> _findings;
    private readonly Counter<long> _acquisitions;
    private readonly Counter<long> _contentions;
    private readonly Histogram<double> _waits;
    private readonly Counter<long> _probes;

    /// <summary>Makes the meter.</summary>
    /// <param name="clock">Measures waits.</param>
    public ClusterInstruments(TimeProvider clock)
    {
        _clock = clock;
        Meter = new Meter(MeterName);
        _boots = Meter.CreateCounter<long>("iommucluster.cluster.boots", "{boot}", "SoCs booted to an end.");
        _lost = Meter.CreateCounter<long>("iommucluster.cluster.boots.lost", "{boot}", "SoCs lost with a silo; each is booted again.");
        _retries = Meter.CreateCounter<long>("iommucluster.cluster.slices.retried", "{slice}", "Slices of runs begun again because their silo was lost.");
        _steps = Meter.CreateCounter<long>("iommucluster.cluster.steps", "{step}", "Steps of kernel threads, each a message between grains.");
        _findings = Meter.CreateCounter<long>("iommucluster.cluster.findings", "{finding}", "Findings, each once a boot.");
        _acquisitions = Meter.CreateCounter<long>("iommucluster.cluster.lock.acquisitions", "{acquisition}", "Locks taken.");
        _contentions = Meter.CreateCounter<long>("iommucluster.cluster.lock.contentions", "{contention}", "Locks that had to be waited for, or were tried in vain.");
        _waits = Meter.CreateHistogram<double>("iommucluster.cluster.lock.wait.duration", "s", "Time from asking for a lock to the answer, the message's way included.");
        _probes = Meter.CreateCounter<long>("iommucluster.cluster.probes", "{device}", "Devices with a driver, by how their probe came out at the end of a boot.");
    }

    /// <summary>The meter.</summary>
    public Meter Meter { get; }

    /// <summary>True when somebody listens to locks.</summary>
    internal bool HearsLocks => _acquisitions.Enabled || _contentions.Enabled || _waits.Enabled;

    /// <summary>True when somebody listens to probes.</summary>
    internal bool HearsProbes => _probes.Enabled;

    /// <summary>Counts a slice that is begun again.</summary>
    public void SliceRetried() => _retries.Add(1);

    /// <summary>Counts a boot that was lost.</summary>
    internal void BootLost() => _lost.Add(1);

    /// <summary>Counts a boot.</summary>
    internal void Ended(ClusterBoot boot)
    {
        _boots.Add(1, Attributes.Of("iommucluster.schedule.end", Attributes.Word(boot.End)));
        _steps.Add(boot.Steps);
        _findings.Tell(boot.Findings.Concat(boot.Races));
    }

    /// <summary>Counts how the probes of a boot came out.</summary>
    internal void Probed(IEnumerable<ProbeOutcome> outcomes) => _probes.Tell(outcomes);

    /// <summary>A moment, for <see cref="Locked"/>.</summary>
    internal long Now() => _clock.GetTimestamp();

    /// <summary>The wall clock, for spans.</summary>
    internal DateTimeOffset WallClock() => _clock.GetUtcNow();

    /// <summary>Counts a lock that was asked for.</summary>
    internal void Locked(string lockClass, long asked, bool waited, bool taken)
    {
        var attribute = Attributes.Of(ClassAttribute, lockClass);
        _acquisitions.Add(taken ? 1 : 0, attribute);
        _contentions.Add(waited || !taken ? 1 : 0, attribute);
        _waits.Record(_clock.GetElapsedTime(asked).TotalSeconds, attribute);
    }

    /// <inheritdoc/>
    public void Dispose() => Meter.Dispose();
}
