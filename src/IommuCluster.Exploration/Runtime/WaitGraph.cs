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
            var path = new List<int> { BitOperations.TrailingZeroCount(left) };
            if (FindCircle(threads, live, bank, path, 0))
            {
                var circle = FromItsFirst(threads, path);
                return (threads[circle[0]], Deadlock(threads, circle));
            }
        }

        var waiter = threads[BitOperations.TrailingZeroCount(live)];
        var what = WaitsFor(waiter);
        return (waiter, new Finding(FindingKind.Hang, waiter.Function, waiter.Request.Field?.Layout.Name ?? string.Empty, what, string.Empty,
            $"INFO: task {waiter.Start.Name} blocked for ever: waits for {what} in {waiter.Function}, and no thread can run"));
    }

    /// <summary>Follows from waiter to owner until it is back at the start of the path.</summary>
    private static bool FindCircle(ReadOnlySpan<KernelThread> threads, ulong live, MemoryBank bank, List<int> path, ulong seen)
    {
        for (var owners = OwnersOf(threads, threads[path[^1]], bank) & live; owners != 0; owners &= owners - 1)
        {
            var owner = BitOperations.TrailingZeroCount(owners);
            if (owner == path[0])
            {
                return true;
            }

            if ((seen >> owner & 1) != 0)
            {
                continue;
            }

            path.Add(owner);
            if (FindCircle(threads, live, bank, path, seen | (1UL << owner)))
            {
                return true;
            }

            path.RemoveAt(path.Count - 1);
        }

        return false;
    }

    /// <summary>Turns a circle so that it begins at the same place whatever slots its threads have.</summary>
    private static List<int> FromItsFirst(ReadOnlySpan<KernelThread> threads, List<int> circle)
    {
        var first = 0;
        for (var i = 1; i < circle.Count; i++)
        {
            if (string.CompareOrdinal(SiteOf(threads[circle[i]]), SiteOf(threads[circle[first]])) < 0)
            {
                first = i;
            }
        }

        return [.. circle[first..], .. circle[..first]];
    }

    private static string SiteOf(KernelThread thread) => $"{thread.Function} {WaitsFor(thread)}";

    private static ulong OwnersOf(ReadOnlySpan<KernelThread> threads, KernelThread waiter, MemoryBank bank)
    {
        ref readonly var request = ref waiter.Request;
        if (request.Kind is not (StepKind.Lock or StepKind.ReadLock) || bank.Peek(request.Base, request.Field!.Word) is not { } word)
        {
            return 0;
        }

        var owner = (int)(word & uint.MaxValue) - 1;
        var owners = 0UL;
        for (var slot = 0; slot < threads.Length; slot++)
        {
            if (owner >= 0 ? threads[slot].Id == owner : HoldsForReading(threads[slot], request))
            {
                owners |= 1UL << slot;
            }
        }

        return owners;
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
