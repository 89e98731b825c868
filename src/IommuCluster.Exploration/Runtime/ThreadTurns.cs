using System.Numerics;

namespace IommuCluster.Exploration.Runtime;

/// <summary>
/// Who lives, who can run, who sleeps, and whose turn comes when nobody decides: what a schedule's numbers mean. Both
/// runtimes keep it, so that a schedule of the one is a schedule of the other. A struct, kept in place on the hot path.
/// </summary>
internal struct ThreadTurns()
{
    /// <summary>Most threads that live at the same time.</summary>
    public const int MaxThreads = 64;

    private readonly long[] _wakeTimes = new long[MaxThreads];

    /// <summary>A bit for each slot whose thread has not ended.</summary>
    public ulong Live;

    /// <summary>A bit for each slot whose announced step would go through now.</summary>
    public ulong Enabled;

    /// <summary>A bit for each slot whose thread sleeps on the virtual clock.</summary>
    public ulong Sleeping;

    /// <summary>The slot that ran last, or -1 at the start of a stage.</summary>
    public int Current = -1;

    /// <summary>Number of slots used in the stage.</summary>
    public int Count;

    /// <summary>The virtual clock, in ticks of 100 ns.</summary>
    public long Now;

    /// <summary>Live threads that neither can run nor sleep.</summary>
    public readonly ulong Waiting => Live & ~Enabled & ~Sleeping;

    /// <summary>The slot that runs when nobody decides: the current one while it can, else the lowest.</summary>
    public readonly int Default => Current >= 0 && (Enabled >> Current & 1) != 0 ? Current : BitOperations.TrailingZeroCount(Enabled);

    /// <summary>True when at most one thread can run: nobody is asked.</summary>
    public readonly bool IsForced => (Enabled & (Enabled - 1)) == 0;

    /// <summary>Begins a stage.</summary>
    public void BeginStage()
    {
        Live = Enabled = Sleeping = 0;
        Count = 0;
        Current = -1;
    }

    /// <summary>Gives a thread its slot: the next one, or where all were used the lowest whose thread has ended.</summary>
    /// <returns>The slot.</returns>
    /// <exception cref="InvalidOperationException">All slots hold live threads.</exception>
    public int Add()
    {
        var slot = Count < MaxThreads ? Count++
            : ~Live != 0 ? BitOperations.TrailingZeroCount(~Live)
            : throw new InvalidOperationException($"More than {MaxThreads} threads live at the same time; let the scenario start fewer.");
        Live |= 1UL << slot;
        return slot;
    }

    /// <summary>Takes out a thread that ended.</summary>
    /// <param name="slot">Its slot.</param>
    public void Remove(int slot)
    {
        Live &= ~(1UL << slot);
        Enabled &= ~(1UL << slot);
    }

    /// <summary>Puts a thread to sleep.</summary>
    /// <param name="slot">Its slot.</param>
    /// <param name="ticks">How long, in ticks of 100 ns.</param>
    public void Sleep(int slot, long ticks)
    {
        Enabled &= ~(1UL << slot);
        Sleeping |= 1UL << slot;
        _wakeTimes[slot] = Now + ticks;
    }

    /// <summary>When a sleeping thread wakes up.</summary>
    /// <param name="slot">Its slot.</param>
    /// <returns>The time on the virtual clock.</returns>
    public readonly long WakeTimeOf(int slot) => _wakeTimes[slot];

    /// <summary>Moves the clock on to the next moment for which threads sleep, and wakes all of them.</summary>
    /// <returns>False when nobody sleeps.</returns>
    public bool WakeSleepers()
    {
        if (Sleeping == 0)
        {
            return false;
        }

        var first = long.MaxValue;
        for (var sleeping = Sleeping; sleeping != 0; sleeping &= sleeping - 1)
        {
            first = Math.Min(first, _wakeTimes[BitOperations.TrailingZeroCount(sleeping)]);
        }

        Now = first;
        for (var sleeping = Sleeping; sleeping != 0; sleeping &= sleeping - 1)
        {
            var slot = BitOperations.TrailingZeroCount(sleeping);
            if (_wakeTimes[slot] == first)
            {
                Sleeping &= ~(1UL << slot);
                Enabled |= 1UL << slot;
            }
        }

        return true;
    }
}
