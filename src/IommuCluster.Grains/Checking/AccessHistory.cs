using System.Collections.Immutable;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Checking;

/// <summary>What an owner tells of a step besides its answer.</summary>
/// <param name="Clock">What the thread has heard of now, or null when there was no news.</param>
/// <param name="Races">The earlier accesses that the step races with.</param>
internal readonly record struct Verdict(VectorClock? Clock, ImmutableArray<AccessMessage> Races)
{
    /// <summary>Nothing.</summary>
    public static Verdict None { get; } = new(null, []);
}

/// <summary>
/// The accesses to one owner's words, and which of them no lock, signal or atomic orders: the rules of
/// <see cref="Kernel.Checking.DataRaces"/> where nobody knows all threads' clocks. Clocks travel with the steps, and only
/// when they told something new; the clock of an access is its thread's count of steps.
/// </summary>
internal sealed class AccessHistory
{
    private readonly Dictionary<int, Accessor> _accessors = [];
    private readonly Dictionary<int, WordHistory> _words = [];
    private readonly List<AccessMessage> _racing = [];

    /// <summary>Keeps what a thread says it has heard of.</summary>
    /// <param name="step">The step, as it arrives.</param>
    public void Arrived(StepMessage step)
    {
        if (step.Clock is { } clock)
        {
            AccessorOf(step.Thread).Clock = clock;
        }
    }

    /// <summary>Takes notice of a step that was applied.</summary>
    /// <param name="step">The step.</param>
    /// <param name="result">What it answered.</param>
    /// <param name="words">Words of a freed object.</param>
    /// <returns>What to tell the thread.</returns>
    public Verdict Applied(StepMessage step, in StepResult result, int words)
    {
        if (step.Site == 0 || result.Slot < 0)
        {
            return Verdict.None; // Hardware, or nobody looks for races.
        }

        var accessor = AccessorOf(step.Thread);
        var before = accessor.Clock;
        _racing.Clear();
        if (step.Kind == StepKind.Free)
        {
            Free(step, accessor, result.Slot, words);
        }
        else
        {
            Access(step, accessor, WordAt(result.Slot), result.Value);
        }

        return new Verdict(ReferenceEquals(before, accessor.Clock) ? null : accessor.Clock, [.. _racing]);
    }

    private void Free(StepMessage step, Accessor accessor, int first, int words)
    {
        for (var slot = first; slot < first + words; slot++)
        {
            Write(step, accessor, Marking.Plain, WordAt(slot));
        }
    }

    private void Access(StepMessage step, Accessor accessor, WordHistory word, ulong answer)
    {
        switch (step.Kind)
        {
            case StepKind.Load:
                Load(step, accessor, word);
                break;
            case StepKind.Store:
                Write(step, accessor, step.Marking, word);
                if (step.Marking is Marking.Ordered or Marking.Atomic)
                {
                    Release(step, accessor, word);
                }

                break;
            case StepKind.Add or StepKind.Exchange or StepKind.CompareExchange:
                Modify(step, accessor, word, answer);
                break;
            case StepKind.Lock:
            case StepKind.TryLock when StepRequest.Acquires(step.Kind, step.Marking, step.Expected, answer):
                accessor.Clock = accessor.Clock.Join(word.Released).Join(word.ReleasedByReaders);
                break;
            case StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu:
                accessor.Clock = accessor.Clock.Join(word.Released);
                break;
            case StepKind.ReadUnlock:
                word.ReleasedByReaders = Heard(step, accessor).Join(word.ReleasedByReaders); // Readers are ordered with writers only.
                break;
            case StepKind.Unlock or StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadUnlock:
                Release(step, accessor, word);
                break;
        }
    }

    private void Load(StepMessage step, Accessor accessor, WordHistory word)
    {
        if (step.Marking is Marking.Hardware or Marking.DataRace)
        {
            return;
        }

        if (step.Marking is Marking.Ordered or Marking.Atomic)
        {
            accessor.Clock = accessor.Clock.Join(word.Released);
        }

        Compare(accessor, step.Marking, word.Write);
        word.Reads.RemoveAll(read => read.Thread == step.Thread || read.Thread < accessor.Clock.First); // Its own last read, what earlier stages read.
        word.Reads.Add(EpochOf(step, step.Marking));
    }

    private void Write(StepMessage step, Accessor accessor, Marking marking, WordHistory word)
    {
        if (marking is Marking.Hardware or Marking.DataRace)
        {
            return;
        }

        var areOrdered = true;
        foreach (var read in word.Reads)
        {
            areOrdered &= Compare(accessor, marking, read);
        }

        if (areOrdered)
        {
            word.Reads.Clear(); // From here on the write speaks for them.
        }

        Compare(accessor, marking, word.Write);
        word.Write = EpochOf(step, marking);
    }

    private void Modify(StepMessage step, Accessor accessor, WordHistory word, ulong answer)
    {
        if (StepRequest.Acquires(step.Kind, step.Marking, step.Expected, answer))
        {
            accessor.Clock = accessor.Clock.Join(word.Released);
        }

        Write(step, accessor, Marking.Atomic, word);
        if (StepRequest.Releases(step.Kind, step.Marking, step.Expected, answer))
        {
            Release(step, accessor, word);
        }
    }

    /// <summary>Compares with an earlier access and notes a race.</summary>
    /// <returns>True when it is ordered before.</returns>
    private bool Compare(Accessor accessor, Marking marking, in Epoch earlier)
    {
        if (!earlier.Exists || accessor.Knows(earlier))
        {
            return true;
        }

        if (marking == Marking.Plain || earlier.Marking == Marking.Plain)
        {
            _racing.Add(new AccessMessage(earlier.Cpu, earlier.Site));
        }

        return false;
    }

    private static void Release(StepMessage step, Accessor accessor, WordHistory word) =>
        word.Released = Heard(step, accessor).Join(word.Released);

    private static VectorClock Heard(StepMessage step, Accessor accessor) => accessor.Clock.With(step.Thread, step.Sequence);

    private static Epoch EpochOf(StepMessage step, Marking marking) => new(step.Thread, step.Sequence, marking, step.Cpu, step.Site);

    private WordHistory WordAt(int slot)
    {
        if (!_words.TryGetValue(slot, out var word))
        {
            _words.Add(slot, word = new WordHistory());
        }

        return word;
    }

    private Accessor AccessorOf(int thread)
    {
        if (!_accessors.TryGetValue(thread, out var accessor))
        {
            _accessors.Add(thread, accessor = new Accessor(thread));
        }

        return accessor;
    }

    /// <summary>An access that is remembered; of a thread's the last read and the last write of each word.</summary>
    private readonly record struct Epoch(int Thread, int Sequence, Marking Marking, int Cpu, int Site)
    {
        public bool Exists => Site > 0;
    }

    private sealed class Accessor(int thread)
    {
        public VectorClock Clock { get; set; } = VectorClock.At(thread);

        public bool Knows(in Epoch earlier) => earlier.Thread == thread || Clock.Knows(earlier.Thread, earlier.Sequence);
    }

    private sealed class WordHistory
    {
        public Epoch Write { get; set; }

        public List<Epoch> Reads { get; } = [];

        /// <summary>What those who released the word as a lock or signal had heard of.</summary>
        public VectorClock? Released { get; set; }

        /// <summary>What those had heard of who released the word as readers of an rwsem.</summary>
        public VectorClock? ReleasedByReaders { get; set; }
    }
}
