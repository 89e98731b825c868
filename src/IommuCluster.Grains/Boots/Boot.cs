using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using Lock = System.Threading.Lock;

namespace IommuCluster.Grains.Boots;

/// <summary>What a silo knows of a boot: the code that its threads run, and the lock graph of those that run here.</summary>
/// <param name="workload">What to run.</param>
/// <param name="options">How to watch and when to stop.</param>
/// <param name="schedule">The schedule that decides, or null where concurrency does.</param>
/// <param name="graph">The lock graph of earlier schedules of a replay; null for a new one.</param>
internal sealed class Boot(Workload workload, RuntimeOptions options, Schedule? schedule, Lockdep? graph = null)
{
    /// <summary>CPUs of a SoC.</summary>
    public const int Cpus = 8;

    private readonly Lock _answering = new();

    /// <summary>What to run.</summary>
    public Workload Workload => workload;

    /// <summary>How to watch and when to stop.</summary>
    public RuntimeOptions Options => options;

    /// <summary>True when a schedule decides who steps.</summary>
    public bool IsControlled => schedule is not null;

    /// <summary>The lock graph, or null with checkers off.</summary>
    public Lockdep? Lockdep { get; } = options.Checkers ? graph ?? new Lockdep() : null;

    /// <summary>Makes what decides the order of the boot.</summary>
    /// <returns>A new control.</returns>
    public IBootControl CreateControl() =>
        schedule is null ? new FreeRun(workload, options, Cpus) : new ControlledRun(workload, options, schedule, Cpus);

    /// <summary>Gives a thread its answer. CPUs run beside each other, and an acquired lock goes into one graph.</summary>
    /// <param name="thread">The thread.</param>
    /// <param name="result">The answer.</param>
    public void Complete(KernelThread thread, in StepResult result)
    {
        lock (_answering)
        {
            thread.Complete(result);
        }
    }
}

/// <summary>
/// The boots that a silo takes part in. Code does not travel: all silos of a boot must know it under the same name. For
/// now there is one silo, in the process that asks for the boot.
/// </summary>
public sealed class BootRegistry
{
    private readonly ConcurrentDictionary<string, Boot> _boots = new(StringComparer.Ordinal);

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

    /// <summary>Finds the boot of a grain.</summary>
    internal bool TryFind(string name, [NotNullWhen(true)] out Boot? boot) => _boots.TryGetValue(name, out boot);
}
