using System.Reflection;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Scenarios.Tests.RealKernel;

/// <summary>What a trace of the model shows, in the terms in which a real kernel is traced: functions entered, locks taken while others were held.</summary>
internal sealed class Observed
{
    private static readonly Dictionary<string, string> s_kernelNames = KernelNames();

    private readonly Dictionary<int, string[]> _last = [];

    /// <summary>Functions in the order in which they were entered, with the thread. One in which nothing shared is touched is not seen.</summary>
    internal List<(string Thread, string Function)> Entered { get; } = [];

    /// <summary>Classes of sleeping locks: one held, one taken meanwhile.</summary>
    internal SortedSet<string> Edges { get; } = new(StringComparer.Ordinal);

    /// <summary>Watches a step.</summary>
    internal void Watch(int step, KernelThread thread)
    {
        var frames = thread.Frames.ToArray();
        var before = _last.GetValueOrDefault(thread.Id, []);
        var same = before.Zip(frames).TakeWhile(pair => pair.First == pair.Second).Count();
        Entered.AddRange(frames.Skip(same).Select(frame => (thread.Start.Name, s_kernelNames.GetValueOrDefault(frame, frame))));
        _last[thread.Id] = frames;
        if (thread.Request.Kind is (StepKind.Lock or StepKind.ReadLock) && Sleeps(thread.Request.Field!))
        {
            foreach (ref readonly var held in thread.HeldLocks)
            {
                if (Sleeps(held.Descriptor))
                {
                    Edges.Add($"{held.Descriptor.LockClass!.Name} -> {thread.Request.Field!.LockClass!.Name}");
                }
            }
        }
    }

    private static bool Sleeps(FieldDescriptor field) => field.LockClass is { Kind: LockKind.Mutex or LockKind.RwSem };

    private static Dictionary<string, string> KernelNames() =>
        typeof(KernelThread).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => (method.Name, Source: method.GetCustomAttribute<KernelSourceAttribute>()))
            .Where(method => method.Source is not null)
            .DistinctBy(method => method.Name)
            .ToDictionary(method => method.Name, method => method.Source!.Function, StringComparer.Ordinal);
}
