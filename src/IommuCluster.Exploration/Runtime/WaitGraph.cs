using System.Numerics;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>Explains why no thread can run: a circle of lock owners, or a wait for something that nobody will do.</summary>
internal static class WaitGraph
{
    /// <summary>Finds the reason.</summary>
    /// <param name="threads">The stage's threads by slot.</param>
    /// <param name="live">Those that have not ended; all of them wait.</param>
    /// <param name="bank">The memory, for the owners of locks.</param>
    /// <returns>A thread of the circle, or the first that waits, and the finding.</returns>
    public static (KernelThread Thread, Finding Finding) Explain(ReadOnlySpan<KernelThread> threads, ulong live, MemoryBank bank)
    {
        for (var left = live; left != 0; left &= left - 1)
        {
            var start = BitOperations.TrailingZeroCount(left);
            if (Circle(threads, live, bank, start) is { } circle)
            {
                return (threads[start], Deadlock(threads, circle));
            }
        }

        var waiter = threads[BitOperations.TrailingZeroCount(live)];
        var what = WaitsFor(waiter);
        return (waiter, new Finding(FindingKind.Hang, waiter.Function, waiter.Request.Field?.Layout.Name ?? string.Empty, what, string.Empty,
            $"INFO: task {waiter.Start.Name} blocked for ever: waits for {what} in {waiter.Function}, and no thread can run"));
    }

    private static List<int>? Circle(ReadOnlySpan<KernelThread> threads, ulong live, MemoryBank bank, int start)
    {
        var path = new List<int>();
        for (var slot = start; slot >= 0 && (live >> slot & 1) != 0; slot = OwnerOf(threads, threads[slot], bank))
        {
            if (path.Contains(slot))
            {
                return slot == start ? path : null;
            }

            path.Add(slot);
        }

        return null;
    }

    private static int OwnerOf(ReadOnlySpan<KernelThread> threads, KernelThread waiter, MemoryBank bank)
    {
        ref readonly var request = ref waiter.Request;
        if (request.Kind is not (StepKind.Lock or StepKind.ReadLock) || bank.Peek(request.Base, request.Field!.Word) is not { } word)
        {
            return -1;
        }

        var owner = (int)(word & uint.MaxValue) - 1;
        for (var slot = 0; slot < threads.Length; slot++)
        {
            if (owner >= 0 ? threads[slot].Id == owner : HoldsForReading(threads[slot], request))
            {
                return slot;
            }
        }

        return -1;
    }

    private static bool HoldsForReading(KernelThread thread, in StepRequest request)
    {
        foreach (ref readonly var held in thread.HeldLocks)
        {
            if (held.IsRead && held.Base == request.Base && ReferenceEquals(held.Descriptor, request.Field))
            {
                return true;
            }
        }

        return false;
    }

    private static Finding Deadlock(ReadOnlySpan<KernelThread> threads, List<int> circle)
    {
        var parts = new List<string>();
        var silent = false;
        foreach (var slot in circle)
        {
            var thread = threads[slot];
            silent |= thread.Request.Field!.LockClass!.NoValidate;
            parts.Add($"{thread.Start.Name} waits for {WaitsFor(thread)} in {thread.Function}");
        }

        var first = threads[circle[0]];
        return new Finding(FindingKind.Deadlock, first.Function, first.Request.Field!.Layout.Name, WaitsFor(first), circle.Count > 1 ? threads[circle[1]].Function : string.Empty,
            $"{(circle.Count == 1 ? "self-deadlock" : "deadlock")}{(silent ? " (would hang, lockdep silent)" : string.Empty)}: {string.Join("; ", parts)}");
    }

    private static string WaitsFor(KernelThread thread) => thread.Request.Field?.LockClass?.Name ?? thread.Request.Field?.Name ?? thread.Request.Kind.ToString();
}
