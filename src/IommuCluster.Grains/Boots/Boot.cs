using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Telemetry;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using Lock = System.Threading.Lock;

namespace IommuCluster.Grains.Boots;

/// <summary>What a silo knows of a boot: the code that its threads run, and the lock order of those that run here.</summary>
/// <param name="workload">What to run.</param>
/// <param name="order">How.</param>
internal sealed class Boot(Workload workload, BootOrder order)
{
    /// <summary>CPUs of a SoC.</summary>
    public const int Cpus = 8;

    private readonly Lock _answering = new();

    /// <summary>What to run.</summary>
    public Workload Workload => workload;

    /// <summary>How.</summary>
    public BootOrder Order => order;

    /// <summary>What its threads tell of themselves; null for nothing.</summary>
    public ClusterInstruments? Instruments { get; init; }

    /// <summary>The span of the SoC; none when spans are not recorded, or are by another process.</summary>
    public ActivityContext Span { get; init; }

    /// <summary>True when a schedule decides who steps.</summary>
    public bool IsControlled => order.Schedule is not null;

    /// <summary>The locks' order as far as threads on this silo made it, or null with checkers off. The cluster's graph looks for the cycles.</summary>
    public Lockdep? Lockdep { get; } = order.Checkers ? new Lockdep() : null;

    /// <summary>Makes what decides the order of the boot.</summary>
    /// <param name="name">The boot's name; boots of other names begin in another order, where no schedule decides.</param>
    /// <returns>A new control.</returns>
    public IBootControl CreateControl(string name)
    {
        var options = new RuntimeOptions { Checkers = order.Checkers, GoOnAfterOops = order.GoOnAfterOops, MaxSteps = order.MaxSteps };
        return order.Schedule is null ? new FreeRun(workload, options, Cpus, order.StaysUp, Kernel.Checking.StableHash.Of(name))
            : new ControlledRun(workload, options, Schedule.Decode(order.Schedule) ?? throw new InvalidOperationException($"'{order.Schedule}' is no schedule."), Cpus);
    }

    /// <summary>Gives a thread its answer. CPUs run beside each other, and an acquired lock goes into one graph.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="result">The answer.</param>
    /// <returns>The edges that are new to this silo; most often none.</returns>
    public ImmutableArray<LockEdge> Complete(KernelThread thread, in StepResult result)
    {
        lock (_answering)
        {
            var known = Lockdep?.Edges.Count ?? 0;
            thread.Complete(result);
            return Lockdep?.Edges.Count > known ? [.. Lockdep.Edges.Skip(known)] : [];
        }
    }
}

/// <summary>Makes workloads from recipes: what lets a boot spread over silos in several processes.</summary>
public interface IWorkloadSource
{
    /// <summary>Makes a workload; every silo must make the same of the same recipe.</summary>
    /// <param name="recipe">The recipe of <see cref="BootOptions.Recipe"/>.</param>
    /// <returns>The workload.</returns>
    Workload Make(string recipe);
}

/// <summary>The boots that the silos of one process take part in.</summary>
/// <param name="source">Makes the workloads of boots that come from other processes; null where none do.</param>
public sealed class BootRegistry(IWorkloadSource? source = null)
{
    private readonly ConcurrentDictionary<string, Boot> _boots = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<SiloAddress, bool> _silos = [];

    /// <summary>What boots and runs of this process tell of themselves.</summary>
    public ClusterInstruments Instruments { get; } = new(TimeProvider.System);

    /// <summary>Makes a silo known as one of this process.</summary>
    internal void Add(SiloAddress silo) => _silos[silo] = true;

    /// <summary>Makes a boot known.</summary>
    internal void Add(string name, Boot boot)
    {
        if (!_boots.TryAdd(name, boot))
        {
            throw new InvalidOperationException($"A boot named '{name}' is under way; give each boot a name of its own.");
        }
    }

    /// <summary>Forgets a boot.</summary>
    internal void Remove(string name) => _boots.TryRemove(name, out _);

    /// <summary>Finds the boot of a grain, or makes it from its recipe.</summary>
    internal Boot Open(string name, BootOrder order) => _boots.GetOrAdd(name, _ => new Boot(Make(name, order), order) { Instruments = Instruments });

    /// <summary>The silos that can hold a boot's grains: where only this process knows its workload, this process's.</summary>
    internal IReadOnlyCollection<SiloAddress> Able(string name, SiloAddress[] compatible) =>
        _boots.TryGetValue(name, out var boot) && boot.Order.Recipe is null ? [.. compatible.Where(_silos.ContainsKey).DefaultIfEmpty(compatible[0])] : compatible;

    private Workload Make(string name, BootOrder order) =>
        order.Recipe is null ? throw new InvalidOperationException($"This silo knows no boot named '{name}', and it came without a recipe.")
        : source is null ? throw new InvalidOperationException($"This silo cannot make the workload of '{name}': it has no source of workloads.")
        : source.Make(order.Recipe);
}
