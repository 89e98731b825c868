using System.Collections.Immutable;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>What a thread does at the moment of a finding.</summary>
internal enum ThreadState
{
    Ended,
    Sleeps,
    Runs,
    Waits,
}

/// <summary>A thread at the moment of a finding. It is put into words when somebody reads it: most never are.</summary>
public sealed class ThreadSnapshot
{
    private readonly ThreadState _state;
    private readonly StepKind _step;
    private readonly FieldDescriptor? _field;
    private readonly HeldLock[] _held;

    internal ThreadSnapshot(KernelThread thread, ThreadState state)
    {
        Slot = thread.Slot;
        Name = thread.Start.Name;
        Frames = FramesOf(thread);
        _state = state;
        _step = thread.Request.Kind;
        _field = thread.Request.Field;
        _held = thread.HeldLocks.ToArray();
    }

    /// <summary>Its slot.</summary>
    public int Slot { get; }

    /// <summary>How reports call it.</summary>
    public string Name { get; }

    /// <summary>The methods it is in, innermost first.</summary>
    public ImmutableArray<string> Frames { get; }

    /// <summary>What it does or waits for, in words.</summary>
    public string State => _state switch
    {
        ThreadState.Ended => "ended",
        ThreadState.Sleeps => "sleeps",
        ThreadState.Runs => "runs",
        ThreadState.Waits => $"waits for {_field?.LockClass?.Name ?? _step.ToString()}",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>The locks it holds, outermost first, with the function that took each.</summary>
    public ImmutableArray<string> Held => [.. _held.Select(Describe)];

    /// <summary>A held lock in words.</summary>
    /// <param name="held">The lock.</param>
    /// <returns>Its class and the function that took it.</returns>
    internal static string Describe(HeldLock held) => $"{held.Descriptor.LockClass!.Name} ({held.Function})";

    private static ImmutableArray<string> FramesOf(KernelThread thread)
    {
        if (thread.Frames.IsEmpty)
        {
            return [];
        }

        var frames = thread.Frames.ToArray();
        Array.Reverse(frames);
        return System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(frames);
    }
}
