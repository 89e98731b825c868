using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Boots;

/// <summary>How a boot on the cluster ended.</summary>
/// <param name="End">How.</param>
/// <param name="Findings">The consequences that were seen, each once.</param>
/// <param name="Fingerprint">The hash of all words of all owners: after a replay that of the deterministic runtime's bank.</param>
/// <param name="Steps">Steps taken, from the first stage on.</param>
public sealed record ClusterBoot(ScheduleEnd End, ImmutableArray<Finding> Findings, StateHash Fingerprint, long Steps)
{
    /// <summary>The data races that were seen, each once.</summary>
    public ImmutableArray<Finding> Races { get; init; } = [];

    /// <summary>
    /// A bit for each profile switch that flows asked for (<see cref="Kernel.Profiles.ProfileSwitches"/>), in this boot or an earlier
    /// one of the same workload; 0 for a workload without a machine.
    /// </summary>
    public ulong Switches { get; init; }
}

/// <summary>How a SoC boots on a cluster.</summary>
public sealed record BootOptions
{
    /// <summary>How the boot is watched and when it stops. The bound of steps is one of each thread where nobody schedules.</summary>
    public RuntimeOptions Runtime { get; init; } = new();

    /// <summary>True to spread the SoC's grains over the silos, so that its steps cross the network; by default they share one silo.</summary>
    public bool Scatter { get; init; }

    /// <summary>
    /// Name of the graph of lock classes that the boot's threads add to: boots that name the same one find lock orders that
    /// contradict each other. They have to boot the same machine, since <c>dev-&gt;mutex</c> is told apart by device. Null for a graph of its own.
    /// </summary>
    public string? LockGraph { get; init; }

    /// <summary>What an <see cref="IWorkloadSource"/> makes the same workload from. Null keeps the boot on the silos of this process.</summary>
    public string? Recipe { get; init; }
}

/// <summary>Boots SoCs on a cluster.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="registry">The boots that the silos of this process know.</param>
/// <param name="clock">Measures how long a boot may be silent about its end.</param>
public sealed class ClusterRunner(IGrainFactory grains, BootRegistry registry, TimeProvider clock)
{
    /// <summary>How long a boot may go without a step: one that is slow has all the time that it takes.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a boot may be silent until it is asked whether it is still there.</summary>
    public TimeSpan AskAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Boots with nobody deciding but the cluster's own concurrency.</summary>
    /// <param name="workload">What to boot.</param>
    /// <param name="name">The boot's name: unlike that of any other boot of the cluster, without slashes.</param>
    /// <param name="options">How it boots; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for the boot.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="BootLostException">It lost grains with their silo: boot again, under another name.</exception>
    /// <exception cref="ClusterBootException">A fault of our own ended it.</exception>
    /// <exception cref="TimeoutException">A fault of our own: all its grains are there, and it took no step for <see cref="TimeLimit"/>.</exception>
    public Task<ClusterBoot> BootAsync(Workload workload, string name, BootOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new BootOptions();
        return RunAsync(workload, OrderOf(options, schedule: null, options.LockGraph), NameOf(name, options), cancellation);
    }

    /// <summary>Boots with schedules deciding, step by step: one boot each, in turn, with one lock graph.</summary>
    /// <param name="workload">What to boot.</param>
    /// <param name="name">The boots' name: unlike that of any other boot of the cluster, without slashes.</param>
    /// <param name="schedules">The schedules, as the deterministic runtime tells them; at least one.</param>
    /// <param name="options">How they boot; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for the boot.</param>
    /// <returns>How the last one ended; an end of <see cref="ScheduleEnd.Diverged"/> is the last.</returns>
    /// <exception cref="BootLostException">A boot lost grains with their silo: replay again, under another name.</exception>
    /// <exception cref="ClusterBootException">A fault of our own ended it.</exception>
    /// <exception cref="TimeoutException">A fault of our own: all grains of a boot are there, and it took no step for <see cref="TimeLimit"/>.</exception>
    public async Task<ClusterBoot> ReplayAsync(Workload workload, string name, ImmutableArray<Schedule> schedules, BootOptions? options = null, CancellationToken cancellation = default)
    {
        if (schedules.IsDefaultOrEmpty)
        {
            throw new ArgumentException("There is no schedule to replay.", nameof(schedules));
        }

        options ??= new BootOptions();
        return await WithGraphAsync(options, name, () => ReplayInTurnAsync(workload, name, schedules, options, cancellation));
    }

    /// <summary>Boots by free concurrency a SoC that stays up, to be operated.</summary>
    /// <param name="workload">What to boot; it has a machine.</param>
    /// <param name="name">The boot's name: unlike that of any other boot of the cluster, without slashes.</param>
    /// <param name="options">How it boots; null for the defaults.</param>
    /// <param name="cancellation">Stops waiting for the boot.</param>
    /// <returns>The SoC, at rest after its boot; or ended already, by what stopping it tells.</returns>
    /// <exception cref="BootLostException">It lost grains with their silo: boot again, under another name.</exception>
    /// <exception cref="TimeoutException">A fault of our own: all its grains are there, and it took no step for <see cref="TimeLimit"/>.</exception>
    public async Task<LiveSoc> StartAsync(Workload workload, string name, BootOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new BootOptions();
        var machine = workload.Machine ?? throw new ArgumentException("The workload has no machine that could be operated.", nameof(workload));
        var order = OrderOf(options, schedule: null, options.LockGraph) with { StaysUp = true };
        var spread = NameOf(name, options);
        registry.Add(spread, new Boot(workload, order));
        var watch = Watch(spread);
        try
        {
            await watch.BeginAsync(order);
            await watch.RestAsync(cancellation);
            return new LiveSoc(grains, machine, spread, watch, () => registry.Remove(spread));
        }
        catch
        {
            watch.Dispose();
            registry.Remove(spread);
            throw;
        }
    }

    /// <summary>Forgets a graph of lock classes that boots named.</summary>
    /// <param name="lockGraph">Its name.</param>
    /// <returns>Completes when it was told.</returns>
    public async Task ForgetAsync(string lockGraph) => await grains.LockGraph(lockGraph).LetGoAsync();

    private async Task<ClusterBoot> WithGraphAsync(BootOptions options, string name, Func<Task<ClusterBoot>> run)
    {
        try
        {
            return await run();
        }
        finally
        {
            if (options.LockGraph is null)
            {
                await ForgetAsync(name);
            }
        }
    }

    private async Task<ClusterBoot> ReplayInTurnAsync(Workload workload, string name, ImmutableArray<Schedule> schedules, BootOptions options, CancellationToken cancellation)
    {
        var number = 0;
        ClusterBoot last;
        do
        {
            last = await RunAsync(workload, OrderOf(options, schedules[number], options.LockGraph ?? name), NameOf($"{name}.{number}", options), cancellation);
        }
        while (last.End != ScheduleEnd.Diverged && ++number < schedules.Length);

        return last;
    }

    private static string NameOf(string name, BootOptions options) => options.Scatter ? GrainKeys.Scattered(name) : name;

    private static BootOrder OrderOf(BootOptions options, Schedule? schedule, string? lockGraph) =>
        new(options.Recipe, schedule?.Encode(), lockGraph, options.Runtime.Checkers, options.Runtime.GoOnAfterOops, options.Runtime.MaxSteps);

    private async Task<ClusterBoot> RunAsync(Workload workload, BootOrder order, string name, CancellationToken cancellation)
    {
        using var span = Spans.Source.StartActivity($"soc {name}");
        registry.Add(name, new Boot(workload, order) { Instruments = registry.Instruments, Span = span?.Context ?? default });
        using var watch = Watch(name);
        try
        {
            await watch.BeginAsync(order);
            var boot = Unwrap(await watch.EndAsync(cancellation));
            registry.Instruments.Ended(boot);
            return boot;
        }
        catch (BootLostException)
        {
            registry.Instruments.BootLost();
            throw;
        }
        finally
        {
            registry.Remove(name);
        }
    }

    private BootWatch Watch(string name) => new(grains, name, new Patience(clock, AskAfter, TimeLimit));

    /// <summary>What a report tells.</summary>
    internal static ClusterBoot Unwrap(BootReport report)
    {
        if (report.IsLost)
        {
            throw new BootLostException($"A part of the SoC was lost with its silo: {report.Failure}");
        }

        if (report.Failure is not null)
        {
            throw new ClusterBootException(report.Failure);
        }

        var findings = report.Findings.Select(finding => finding.ToFinding()).ToLookup(finding => finding.IsRace);
        return new ClusterBoot(report.End, [.. findings[false]], report.State.ToHash(), report.Steps) { Races = [.. findings[true]], Switches = report.Switches };
    }
}

/// <summary>A fault of our own that ended a boot.</summary>
/// <param name="message">What went wrong, with its stack.</param>
public sealed class ClusterBootException(string message) : Exception(message);

/// <summary>A boot that lost grains with their silo. It tells nothing, and may be run again from its start.</summary>
/// <param name="message">What was lost.</param>
public sealed class BootLostException(string message) : Exception(message);
