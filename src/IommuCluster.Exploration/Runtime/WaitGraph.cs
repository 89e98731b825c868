using System.Collections.Immutable;
using System.Numerics;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>A thread that cannot run, in plain words: it may live in another runtime or on another machine.</summary>
/// <param name="Slot">Its slot.</param>
/// <param name="Id">Its id, by which lock words name their owner.</param>
/// <param name="Name">How reports call it.</param>
/// <param name="Function">The function that waits.</param>
/// <param name="Kind">What it waits to do.</param>
/// <param name="At">The word that it waits for.</param>
/// <param name="Type">The kernel type that embeds the word, or empty.</param>
/// <param name="WaitsFor">Lock class or field.</param>
/// <param name="IsSilent">True when real lockdep does not validate the lock.</param>
/// <param name="HeldForReading">The rwsems whose read side it holds.</param>
internal sealed record Waiter(int Slot, int Id, string Name, string Function, StepKind Kind, Address At, string Type, string WaitsFor, bool IsSilent, ImmutableArray<Address> HeldForReading)
{
    /// <summary>Where and for what it waits.</summary>
    public string Site => $"{Function} {WaitsFor}";

    /// <summary>Describes a thread.</summary>
    /// <param name="thread">The thread; its announced step cannot proceed.</param>
    /// <returns>What there is to know about it.</returns>
    public static Waiter Of(KernelThread thread)
    {
        ref readonly var request = ref thread.Request;
        var held = ImmutableArray.CreateBuilder<Address>();
        foreach (ref readonly var item in thread.HeldLocks)
        {
            if (item.IsRead)
            {
                held.Add(item.Base.Plus(item.Descriptor.Word));
            }
        }

        return new Waiter(
            thread.Slot,
            thread.Id,
            thread.Start.Name,
            thread.Function,
            request.Kind,
            request.Base.Plus(request.Field?.Word ?? 0),
            request.Field?.Layout.Name ?? string.Empty,
            request.Field?.LockClass?.Name ?? request.Field?.Name ?? request.Kind.ToString(),
            request.Field?.LockClass?.NoValidate ?? false,
            held.ToImmutable());
    }
}

/// <summary>Explains why no thread can run: a circle of lock owners, or a wait for something that nobody will do.</summary>
/// <param name="waiters">All that have not ended, by slot; at most 64.</param>
/// <param name="peek">The memory, for the owners of locks.</param>
internal sealed class WaitGraph(IReadOnlyList<Waiter> waiters, Func<Address, ulong?> peek)
{
    /// <summary>Finds the reason.</summary>
    /// <returns>The slot of a thread of the circle, or of the first that waits, and the finding.</returns>
    public (int Slot, Finding Finding) Explain()
    {
        for (var start = 0; start < waiters.Count; start++)
        {
            var path = new List<int> { start };
            if (FindCircle(path, 0))
            {
                var circle = FromItsFirst(path);
                return (waiters[circle[0]].Slot, Deadlock(circle));
            }
        }

        var first = waiters[0];
        return (first.Slot, new Finding(FindingKind.Hang, first.Function, first.Type, first.WaitsFor, string.Empty,
            $"INFO: task {first.Name} blocked for ever: waits for {first.WaitsFor} in {first.Function}, and no thread can run"));
    }

    /// <summary>Follows from waiter to owner until it is back at the start of the path.</summary>
    private bool FindCircle(List<int> path, ulong seen)
    {
        for (var owners = OwnersOf(waiters[path[^1]]); owners != 0; owners &= owners - 1)
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
            if (FindCircle(path, seen | (1UL << owner)))
            {
                return true;
            }

            path.RemoveAt(path.Count - 1);
        }

        return false;
    }

    /// <summary>Turns a circle so that it begins at the same place whatever slots its threads have.</summary>
    private List<int> FromItsFirst(List<int> circle)
    {
        var first = 0;
        for (var i = 1; i < circle.Count; i++)
        {
            if (string.CompareOrdinal(waiters[circle[i]].Site, waiters[circle[first]].Site) < 0)
            {
                first = i;
            }
        }

        return [.. circle[first..], .. circle[..first]];
    }

    private ulong OwnersOf(Waiter waiter)
    {
        if (waiter.Kind is not (StepKind.Lock or StepKind.ReadLock) || peek(waiter.At) is not { } word)
        {
            return 0;
        }

        var owner = (int)(word & uint.MaxValue) - 1;
        var owners = 0UL;
        for (var i = 0; i < waiters.Count; i++)
        {
            if (owner >= 0 ? waiters[i].Id == owner : waiters[i].HeldForReading.Contains(waiter.At))
            {
                owners |= 1UL << i;
            }
        }

        return owners;
    }

    private Finding Deadlock(List<int> circle)
    {
        var parts = new List<string>();
        var silent = false;
        foreach (var i in circle)
        {
            silent |= waiters[i].IsSilent;
            parts.Add($"{waiters[i].Name} waits for {waiters[i].WaitsFor} in {waiters[i].Function}");
        }

        var first = waiters[circle[0]];
        return new Finding(FindingKind.Deadlock, first.Function, first.Type, first.WaitsFor, circle.Count > 1 ? waiters[circle[1]].Function : string.Empty,
            $"{(circle.Count == 1 ? "self-deadlock" : "deadlock")}{(silent ? " (would hang, lockdep silent)" : string.Empty)}: {string.Join("; ", parts)}");
    }
}
