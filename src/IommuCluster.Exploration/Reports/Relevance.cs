using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>
/// Decides which steps of a schedule a reader needs: of a freed object, what is done to it and to the words that point
/// to it; of a race or a NULL, what is done to the word; of anything else, what the failing function read and who
/// wrote that. Always: the locks held meanwhile, and where threads were when another one ran.
/// </summary>
/// <param name="trace">The schedule.</param>
/// <param name="framesOf">The methods in which a step was taken, outermost first.</param>
internal sealed class Relevance(Trace trace, Func<int, ImmutableArray<string>> framesOf)
{
    /// <summary>More switches than this are a schedule that nobody reads; they are not drawn then.</summary>
    private const int MaxSwitches = 16;

    /// <summary>How far back a failing function's reads are looked at.</summary>
    private const int MaxReads = 24;

    private readonly bool[] _marks = new bool[trace.Count];

    /// <summary>Marks the steps.</summary>
    /// <param name="sighting">The finding.</param>
    /// <param name="needed">Steps that the report names; negative ones are passed over.</param>
    /// <param name="sought">The object concerned, or NULL.</param>
    /// <param name="threads">Every thread of the moment.</param>
    /// <returns>One mark a step.</returns>
    internal bool[] Mark(Sighting sighting, ReadOnlySpan<int> needed, Address sought, ImmutableArray<ThreadSnapshot> threads)
    {
        var here = Math.Min(sighting.Step, trace.Count - 1);
        if (here < 0)
        {
            return _marks;
        }

        MarkWhatItIsAbout(sighting, here, sought);
        MarkStep(here);
        MarkHeldLocks(here);
        foreach (var step in needed)
        {
            if (step >= 0)
            {
                MarkStep(step);
                MarkHeldLocks(step);
            }
        }

        MarkSwitches(here, threads);
        return _marks;
    }

    private void MarkWhatItIsAbout(Sighting sighting, int here, Address sought)
    {
        ref readonly var entry = ref trace[here];
        switch (sighting.Finding.Kind)
        {
            case FindingKind.UseAfterFree or FindingKind.DoubleFree or FindingKind.OutOfBounds when !sought.IsNull:
                MarkObject(sought);
                break;
            case FindingKind.DataRace:
                MarkWords([Origins.WordOf(entry)]);
                break;
            case FindingKind.NullDereference when Origins.LoadOfNull(trace, here) is >= 0 and var load:
                MarkWords([Origins.WordOf(trace[load])]);
                break;
            case FindingKind.NullDereference:
                foreach (var step in Origins.LastLoads(trace, here))
                {
                    MarkStep(step);
                }

                break;
            case FindingKind.Deadlock or FindingKind.Hang:
                MarkEverybodysLocks(here);
                break;
            case FindingKind.LockOrder or FindingKind.LockRecursion or FindingKind.HeldAtExit or FindingKind.BadUnlock:
                break; // The locks held are marked in any case.
            default:
                MarkReads(here, FunctionOf(sighting, here));
                break;
        }
    }

    private void MarkStep(int step) => _marks[step] = true;

    private void MarkObject(Address sought)
    {
        var words = new HashSet<ulong>();
        for (var step = 0; step < trace.Count; step++)
        {
            ref readonly var entry = ref trace[step];
            if (entry.Kind is StepKind.Allocate or StepKind.Free)
            {
                _marks[step] |= entry.Base.IsObject && entry.Base.Object == sought;
            }
            else if (IsAccess(entry.Kind) && ((entry.Base.IsObject && entry.Base.Object == sought) || entry.Value == sought.Value || entry.Result == sought.Value))
            {
                words.Add(Origins.WordOf(entry));
            }
        }

        MarkWords(words);
    }

    private void MarkWords(HashSet<ulong> words)
    {
        for (var step = 0; step < trace.Count; step++)
        {
            ref readonly var entry = ref trace[step];
            _marks[step] |= IsAccess(entry.Kind) && words.Contains(Origins.WordOf(entry));
        }
    }

    /// <summary>What the failing function read since it was entered, and the last store to each of these words.</summary>
    private void MarkReads(int here, ImmutableArray<string> function)
    {
        var left = MaxReads;
        for (var step = here; step >= 0 && left > 0; step--)
        {
            if (trace[step].Id != trace[here].Id)
            {
                continue;
            }

            if (!framesOf(step).AsSpan().StartsWith(function.AsSpan()))
            {
                break;
            }

            if (trace[step].Kind is StepKind.Load or StepKind.CompareExchange)
            {
                MarkStep(step);
                MarkLastStore(Origins.WordOf(trace[step]), step);
                left--;
            }
        }
    }

    /// <summary>The functions in which the finding was reported, outermost first: the last step may have been deeper.</summary>
    private ImmutableArray<string> FunctionOf(Sighting sighting, int here) =>
        sighting.Threads.FirstOrDefault(thread => thread.Slot == sighting.Thread) is { } reporter ? [.. reporter.Frames.Reverse()] : framesOf(here);

    private void MarkLastStore(ulong word, int before)
    {
        for (var step = before - 1; step >= 0; step--)
        {
            if (trace[step].Kind is StepKind.Store or StepKind.Exchange or StepKind.CompareExchange && Origins.WordOf(trace[step]) == word)
            {
                MarkStep(step);
                return;
            }
        }
    }

    private void MarkEverybodysLocks(int here)
    {
        var seen = new HashSet<int>();
        for (var step = here; step >= 0; step--)
        {
            if (seen.Add(trace[step].Id))
            {
                MarkStep(step);
                MarkHeldLocks(step);
            }
        }
    }

    /// <summary>Where the locks were taken that the step's thread holds at the step.</summary>
    private void MarkHeldLocks(int at)
    {
        var released = new List<ulong>();
        for (var step = at - 1; step >= 0; step--)
        {
            ref readonly var entry = ref trace[step];
            if (entry.Id != trace[at].Id || entry.Fault != FaultKind.None)
            {
                continue;
            }

            var word = Origins.WordOf(entry);
            switch (entry.Kind)
            {
                case StepKind.Unlock or StepKind.ReadUnlock:
                    released.Add(word);
                    break;
                case StepKind.Lock or StepKind.ReadLock or StepKind.TryLock when entry.Kind != StepKind.TryLock || entry.Result != 0:
                    if (!released.Remove(word))
                    {
                        MarkStep(step);
                    }

                    break;
            }
        }
    }

    /// <summary>The last step of a thread before another one ran, unless it was done.</summary>
    private void MarkSwitches(int here, ImmutableArray<ThreadSnapshot> threads)
    {
        var switches = new List<int>();
        var later = new HashSet<int>();
        for (var step = here; step >= 0; step--)
        {
            ref readonly var entry = ref trace[step];
            var (slot, isSwitch) = (entry.Thread, step < here && entry.Id != trace[step + 1].Id);
            if (isSwitch && (later.Contains(entry.Id) || IsLast(entry.Id, here, threads, slot)))
            {
                switches.Add(step);
            }

            later.Add(entry.Id);
        }

        foreach (var step in switches.Count <= MaxSwitches ? switches : [])
        {
            MarkStep(step);
        }
    }

    /// <summary>True when the thread is the last one of its slot and has not ended at the moment of the finding.</summary>
    private bool IsLast(int id, int here, ImmutableArray<ThreadSnapshot> threads, int slot)
    {
        for (var step = here; step >= 0; step--)
        {
            if (trace[step].Thread == slot)
            {
                return trace[step].Id == id && threads.Any(thread => thread.Slot == slot && thread.State != "ended");
            }
        }

        return false;
    }

    private static bool IsAccess(StepKind kind) => kind is not (StepKind.Allocate or StepKind.Free or StepKind.Spawn or StepKind.Sleep
        or StepKind.RcuReadLock or StepKind.RcuReadUnlock or StepKind.SynchronizeRcu);
}
