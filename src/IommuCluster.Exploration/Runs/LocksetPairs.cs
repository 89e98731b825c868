using System.Numerics;
using System.Runtime.InteropServices;
using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runs;

/// <summary>
/// Pairs of accesses that might race in another schedule: unmarked, without a lock in common, and ordered by nothing but
/// who happened to come first to a lock. Locksets (Savage and others, SOSP 1997) with those orders taken into account that no
/// schedule turns round: start of a thread, completions, wake-ups, release and acquire (O'Callahan, Choi, PPoPP 2003). A hint,
/// no finding: a branch may keep the two apart. Looks at a schedule that was run, so that running one costs nothing.
/// </summary>
internal sealed class LocksetPairs
{
    private const int MaxSlots = 64;
    private const int MaxLocks = 64;
    private const int MaxAccesses = 16;

    private readonly DeterministicRuntime _runtime;
    private readonly int[] _clocks = new int[MaxSlots * MaxSlots];
    private readonly int[] _last = new int[MaxSlots];
    private readonly int[] _ids = new int[MaxSlots];
    private readonly Held[] _held = new Held[MaxSlots];
    private readonly Dictionary<int, int[]> _spawned = [];
    private readonly Dictionary<Word, int[]> _released = [];
    private readonly Dictionary<Word, int> _locks = [];
    private readonly Dictionary<Word, List<Access>> _words = [];
    private readonly HashSet<Site> _sites = [];
    private readonly List<(int First, int Second)> _pairs = [];
    private int _nextId;

    private LocksetPairs(DeterministicRuntime runtime) => _runtime = runtime;

    /// <summary>The pairs of the schedule that a runtime has just run.</summary>
    /// <param name="runtime">The runtime.</param>
    /// <returns>Numbers of the earlier and the later step, one pair a site; those that race in this schedule are among them.</returns>
    public static IReadOnlyList<(int First, int Second)> Of(DeterministicRuntime runtime)
    {
        var pairs = new LocksetPairs(runtime);
        var barrier = 0;
        for (var step = 0; step < runtime.Trace.Count; step++)
        {
            for (; barrier < runtime.Barriers.Count && runtime.Barriers[barrier].Step <= step; barrier++)
            {
                pairs.Pass(runtime.Barriers[barrier]);
            }

            pairs.Follow(step, runtime.Trace[step]);
        }

        return pairs._pairs;
    }

    private void Pass(in Barrier barrier)
    {
        if (barrier.IsStage)
        {
            _words.Clear(); // All that was done before is ordered before whatever comes.
            _nextId = barrier.NextId;
        }

        for (var slots = barrier.Slots; slots != 0; slots &= slots - 1)
        {
            Join(ClockOf(BitOperations.TrailingZeroCount(slots)), _last);
        }
    }

    private void Follow(int step, in TraceEntry entry)
    {
        var clock = ClockOf(entry.Thread);
        if (_ids[entry.Thread] != entry.Id)
        {
            _ids[entry.Thread] = entry.Id;
            Join(clock, _spawned.GetValueOrDefault(entry.Id));
        }

        clock[entry.Thread] = _last[entry.Thread] = step + 1;
        var made = OrderedEvent.Of(entry);
        var word = new Word(made.Object, made.Word);
        switch (entry.Kind)
        {
            case StepKind.Spawn:
                _spawned[_nextId++] = clock.ToArray();
                break;
            case StepKind.Lock or StepKind.ReadLock:
            case StepKind.TryLock when entry.Result != 0:
                Take(entry.Thread, word, entry.Kind == StepKind.ReadLock);
                break;
            case StepKind.Unlock or StepKind.ReadUnlock:
                _held[entry.Thread] = _held[entry.Thread].Without(BitOf(word));
                break;
            case StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu:
                Join(clock, _released.GetValueOrDefault(word));
                break;
            case StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadUnlock:
                Release(word, clock);
                break;
            case <= StepKind.CompareExchange when entry is { Fault: FaultKind.None, Marking: not (Marking.DataRace or Marking.Hardware) }:
                Touch(step, entry, word, clock);
                break;
        }
    }

    private void Touch(int step, in TraceEntry entry, Word word, Span<int> clock)
    {
        if (entry.Marking >= Marking.Ordered && entry.Kind != StepKind.Store)
        {
            Join(clock, _released.GetValueOrDefault(word));
        }

        var access = new Access(step, entry.Thread, entry.Function, entry.Kind, entry.Marking, _held[entry.Thread]);
        ref var accesses = ref CollectionsMarshal.GetValueRefOrAddDefault(_words, word, out _);
        accesses ??= [];
        foreach (var other in accesses)
        {
            if (access.MayRaceWith(other) && clock[other.Thread] <= other.Step && _sites.Add(new Site(other.Function, other.Kind, access.Function, access.Kind, entry.Field)))
            {
                _pairs.Add((other.Step, step));
            }
        }

        accesses.RemoveAll(access.IsLike);
        if (accesses.Count < MaxAccesses)
        {
            accesses.Add(access);
        }

        if (entry.Marking >= Marking.Ordered && entry.Kind != StepKind.Load)
        {
            Release(word, clock);
        }
    }

    private void Take(int slot, Word word, bool isShared)
    {
        _locks.TryAdd(word, Math.Min(_locks.Count, MaxLocks - 1)); // Those beyond count as one lock.
        _held[slot] = _held[slot].With(BitOf(word), isShared);
    }

    private ulong BitOf(Word word) => _locks.TryGetValue(word, out var number) ? 1UL << number : 0;

    private void Release(Word word, ReadOnlySpan<int> clock)
    {
        ref var released = ref CollectionsMarshal.GetValueRefOrAddDefault(_released, word, out _);
        Join(released ??= new int[MaxSlots], clock);
    }

    private Span<int> ClockOf(int slot) => _clocks.AsSpan(slot * MaxSlots, MaxSlots);

    private static void Join(Span<int> into, ReadOnlySpan<int> from)
    {
        for (var i = 0; i < from.Length; i++)
        {
            into[i] = Math.Max(into[i], from[i]);
        }
    }

    private readonly record struct Word(ulong Object, int Offset);

    private readonly record struct Site(string First, StepKind FirstKind, string Second, StepKind SecondKind, FieldDescriptor? Field);

    /// <summary>The locks that a thread holds, a bit each: those that keep everybody out, and those that keep writers out.</summary>
    private readonly record struct Held(ulong Exclusive, ulong Shared)
    {
        public Held With(ulong bit, bool isShared) => isShared ? this with { Shared = Shared | bit } : this with { Exclusive = Exclusive | bit };

        public Held Without(ulong bit) => new(Exclusive & ~bit, Shared & ~bit);

        public bool KeepsOut(in Held other) => (Exclusive & (other.Exclusive | other.Shared)) != 0 || (Shared & other.Exclusive) != 0;
    }

    private sealed record Access(int Step, int Thread, string Function, StepKind Kind, Marking Marking, Held Held)
    {
        public bool MayRaceWith(Access other) =>
            Thread != other.Thread
            && (Kind != StepKind.Load || other.Kind != StepKind.Load)
            && (Marking == Marking.Plain || other.Marking == Marking.Plain)
            && !Held.KeepsOut(other.Held);

        public bool IsLike(Access other) => this == other with { Step = Step };
    }
}
