using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Boots;

/// <summary>How a boot on the cluster ended.</summary>
/// <param name="End">How.</param>
/// <param name="Findings">What was seen, each once; no data races, which the cluster does not look for yet.</param>
/// <param name="Fingerprint">The hash of all words of all owners: after a replay that of the deterministic runtime's bank.</param>
/// <param name="Steps">Steps taken, from the first stage on.</param>
public sealed record ClusterBoot(ScheduleEnd End, ImmutableArray<Finding> Findings, StateHash Fingerprint, long Steps);

/// <summary>How a SoC boots on a cluster.</summary>
public sealed record BootOptions
{
    /// <summary>How the boot is watched and when it stops. The bound of steps is one of each thread where nobody schedules.</summary>
    public RuntimeOptions Runtime { get; init; } = new();

    /// <summary>True to spread the SoC's grains over the silos, so that its steps cross the network; by default they share one silo.</summary>
    public bool Scatter { get; init; }
}

/// <summary>Boots SoCs on a cluster.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="registry">The boots that its silo knows.</param>
/// <param name="clock">Measures how long a boot may be silent about its end.</param>
public sealed class ClusterRunner(IGrainFactory grains, BootRegistry registry, TimeProvider clock)
{
    /// <summary>How long a boot may take; longer means that a message was lost.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Boots with nobody deciding but the cluster's own concurrency.</summary>
    /// <param name="workload">What to boot.</param>
    /// <param name="name">The boot's name: unlike that of any other boot of the cluster, without slashes.</param>
    /// <param name="options">How it boots; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for the boot.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="ClusterBootException">A fault of our own ended it.</exception>
    /// <exception cref="TimeoutException">It did not end within <see cref="TimeLimit"/>.</exception>
    public Task<ClusterBoot> BootAsync(Workload workload, string name, BootOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new BootOptions();
        return RunAsync(new Boot(workload, options.Runtime, schedule: null), NameOf(name, options), cancellation);
    }

    /// <summary>Boots with schedules deciding, step by step: one boot each, in turn, with one lock graph.</summary>
    /// <param name="workload">What to boot.</param>
    /// <param name="name">The boots' name: unlike that of any other boot of the cluster, without slashes.</param>
    /// <param name="schedules">The schedules, as the deterministic runtime tells them; at least one.</param>
    /// <param name="options">How they boot; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for the boot.</param>
    /// <returns>How the last one ended; an end of <see cref="ScheduleEnd.Diverged"/> is the last.</returns>
    /// <exception cref="ClusterBootException">A fault of our own ended it.</exception>
    /// <exception cref="TimeoutException">It did not end within <see cref="TimeLimit"/>.</exception>
    public async Task<ClusterBoot> ReplayAsync(Workload workload, string name, ImmutableArray<Schedule> schedules, BootOptions? options = null, CancellationToken cancellation = default)
    {
        if (schedules.IsDefaultOrEmpty)
        {
            throw new ArgumentException("There is no schedule to replay.", nameof(schedules));
        }

        options ??= new BootOptions();
        var graph = new Lockdep();
        var number = 0;
        ClusterBoot last;
        do
        {
            last = await RunAsync(new Boot(workload, options.Runtime, schedules[number], graph), NameOf($"{name}.{number}", options), cancellation);
        }
        while (last.End != ScheduleEnd.Diverged && ++number < schedules.Length);

        return last;
    }

    private static string NameOf(string name, BootOptions options) => options.Scatter ? GrainKeys.Scattered(name) : name;

    private async Task<ClusterBoot> RunAsync(Boot boot, string name, CancellationToken cancellation)
    {
        registry.Add(name, boot);
        var observer = new Observer();
        var reference = grains.CreateObjectReference<IBootObserver>(observer);
        try
        {
            await grains.Soc(name).BeginAsync(reference);
            var report = await observer.Report.WaitAsync(TimeLimit, clock, cancellation);
            return report.Failure is null
                ? new ClusterBoot(report.End, [.. report.Findings.Select(finding => finding.ToFinding())], report.State.ToHash(), report.Steps)
                : throw new ClusterBootException(report.Failure);
        }
        finally
        {
            grains.DeleteObjectReference<IBootObserver>(reference);
            registry.Remove(name);
        }
    }

    private sealed class Observer : IBootObserver
    {
        private readonly TaskCompletionSource<BootReport> _report = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<BootReport> Report => _report.Task;

        public void Ended(BootReport report) => _report.TrySetResult(report);
    }
}

/// <summary>A fault of our own that ended a boot.</summary>
/// <param name="message">What went wrong, with its stack.</param>
public sealed class ClusterBootException(string message) : Exception(message);
