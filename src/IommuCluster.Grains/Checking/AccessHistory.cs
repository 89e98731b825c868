using System.Collections.Immutable;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Checking;

/// <summary>What an owner tells of a step besides its answer.</summary>
/// <param name="Clock">What the thread has heard of now, or null when there was no news.</param>
/// <param name="Race">The earlier access that the step races with, or null.</param>
internal readonly record struct Verdict(VectorClock? Clock, AccessMessage? Race);

/// <summary>
/// The accesses to one owner's words, and which of them no lock, signal or atomic orders: the rules of
/// <see cref="Kernel.Checking.DataRaces"/> where nobody knows all threads' clocks. Clocks travel with the steps, and only
/// when they told something new; the clock of an access is its thread's count of steps.
/// </summary>
internal sealed class AccessHistory
{
    private readonly Dictionary<int, VectorClock> _clocks = [];
    private readonly Dictionary<int, WordHistory> _words = [];
    private long _arrivals;

    /// <summary>Keeps what a thread says it has heard of.</summary>
    /// <param name="step">The step, as it arrives.</param>
    public void Arrived(StepMessage step)
    {
        if (step.Clock is { } clock)
        {
            _clocks[step.Thread] = clock;
        }
    }

    /// <summary>Takes notice of a step that was applied.</summary>
    /// <param name="step">The step.</param>
    /// <param name="slot">The bank's number of the word, or of the first word of a freed object; -1 for none.</param>
    /// <param name="words">Words of a freed object.</param>
    /// <returns>What to tell the thread.</returns>
    public Verdict Applied(StepMessage step, int slot, int words)
    {
        if (step.Site == 0 || slot < 0 || !_clocks.TryGetValue(step.Thread, out var before))
        {
            return default; // Hardware, or nobody looks for races.
        }

        var race = step.Kind == StepKind.Free ? Free(step, slot, words) : Access(step, slot);
        var after = _clocks[step.Thread];
        return new Verdict(ReferenceEquals(before, after) ? null : after, race?.Of);
    }

    private static Epoch? Later(Epoch? one, Epoch? other) => one is null || other?.Arrival > one.Arrival ? other : one;

    private Epoch? Free(StepMessage step, int first, int words)
    {
        Epoch? race = null;
        for (var slot = first; slot < first + words; slot++)
        {
            race = Later(race, Write(step, Marking.Plain, WordAt(slot)));
        }

        return race;
    }

    private Epoch? Access(StepMessage step, int slot)
    {
        var word = WordAt(slot);
        Epoch? race = null;
        switch (step.Kind)
        {
            case StepKind.Load:
                race = Load(step, word);
                break;
            case StepKind.Store:
                race = Write(step, step.Marking, word);
                if (step.Marking is Marking.Ordered or Marking.Atomic)
                {
                    Release(step, word);
                }

                break;
            case StepKind.Add or StepKind.Exchange or StepKind.CompareExchange:
                Acquire(step, word);
                race = Write(step, Marking.Atomic, word);
                Release(step, word);
                break;
            case StepKind.Lock or StepKind.ReadLock or StepKind.TryLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu:
                Acquire(step, word);
                break;
            case StepKind.Unlock or StepKind.ReadUnlock or StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadUnlock:
                Release(step, word);
                break;
        }

        return race;
    }

    private Epoch? Load(StepMessage step, WordHistory word)
    {
        if (step.Marking is Marking.Hardware or Marking.DataRace)
        {
            return null;
        }

        if (step.Marking is Marking.Ordered or Marking.Atomic)
        {
            Acquire(step, word);
        }

        var race = Conflict(step, step.Marking, word.Write);
        word.Reads.RemoveAll(read => read.Thread < _clocks[step.Thread].First); // An earlier stage is over.
        if (word.Reads.Count == 1 && IsOrdered(step, word.Reads[0]))
        {
            word.Reads.Clear(); // From here on this read speaks for it.
        }

        word.Reads.RemoveAll(read => read.Thread == step.Thread);
        word.Reads.Add(EpochOf(step, step.Marking));
        return race;
    }

    private Epoch? Write(StepMessage step, Marking marking, WordHistory word)
    {
        if (marking is Marking.Hardware or Marking.DataRace)
        {
            return null;
        }

        Epoch? race = null;
        var isOrdered = true;
        foreach (var read in word.Reads)
        {
            race = Later(race, Conflict(step, marking, read));
            isOrdered &= IsOrdered(step, read);
        }

        if (isOrdered || race is not null)
        {
            word.Reads.Clear(); // From here on the write speaks for them.
        }

        race = Later(race, Conflict(step, marking, word.Write));
        word.Write = EpochOf(step, marking);
        return race;
    }

    private Epoch? Conflict(StepMessage step, Marking marking, Epoch? earlier) =>
        earlier is null || IsOrdered(step, earlier) || (earlier.Marking != Marking.Plain && marking != Marking.Plain) ? null : earlier;

    private bool IsOrdered(StepMessage step, Epoch earlier) =>
        earlier.Thread == step.Thread || _clocks[step.Thread].Knows(earlier.Thread, earlier.Sequence);

    private void Acquire(StepMessage step, WordHistory word) => _clocks[step.Thread] = _clocks[step.Thread].Join(word.Released);

    private void Release(StepMessage step, WordHistory word) =>
        word.Released = _clocks[step.Thread].With(step.Thread, step.Sequence).Join(word.Released);

    private Epoch EpochOf(StepMessage step, Marking marking) =>
        new(step.Thread, step.Sequence, marking, ++_arrivals, new AccessMessage(step.Cpu, step.Site));

    private WordHistory WordAt(int slot)
    {
        if (!_words.TryGetValue(slot, out var word))
        {
            _words.Add(slot, word = new WordHistory());
        }

        return word;
    }

    /// <summary>An access that is remembered; of a thread's the last read and the last write of each word.</summary>
    private sealed record Epoch(int Thread, int Sequence, Marking Marking, long Arrival, AccessMessage Of);

    private sealed class WordHistory
    {
        public Epoch? Write { get; set; }

        public List<Epoch> Reads { get; } = [];

        /// <summary>What those who released the word as a lock or signal had heard of.</summary>
        public VectorClock? Released { get; set; }
    }
}
