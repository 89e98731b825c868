using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Checking;

/// <summary>
/// Data races by happens-before over every word, with epochs instead of vector clocks wherever one suffices (FastTrack:
/// Flanagan, Freund, PLDI 2009). The clock of an access is the number of its step, which never repeats, so nothing
/// has to be cleared between schedules: what is older than the schedule is ordered before it. A write is told with every
/// thread's last read that it races with, a read with the last write; so which of several reads came last makes no
/// difference. Of a thread's own reads of a word only the last one is known, so that a marked one may hide a plain one
/// before it in this schedule; and threads that have one slot after each other count as one.
/// </summary>
public sealed class DataRaces
{
    private const int MaxThreads = 64;
    private const int StepShift = 16;
    private const int ManyReaders = 0xff;

    private readonly long[] _clocks = new long[MaxThreads * MaxThreads];
    private ulong[] _writes = new ulong[1024];
    private ulong[] _reads = new ulong[1024];
    private long[] _readRowSince = new long[1024];
    private long[] _syncSince = new long[1024];
    private long[] _readersSince = new long[1024];
    private long[] _syncClocks = new long[16 * MaxThreads];
    private ulong[] _readRows = new ulong[16 * MaxThreads];
    private int _syncRowCount;
    private int _readRowCount;
    private long[] _racing = new long[MaxThreads];
    private OwnLine<int> _racingCount;
    private int _threads;
    private long _begin;

    /// <summary>Begins a schedule.</summary>
    /// <param name="step">The number that its first step will have.</param>
    public void BeginSchedule(long step)
    {
        _begin = step;
        _threads = 0;
        _syncRowCount = 0;
        _readRowCount = 0;
    }

    /// <summary>Takes notice of a new thread: what its parent did so far is ordered before it.</summary>
    /// <param name="thread">Its slot; slots are handed out in order, those of ended threads again.</param>
    /// <param name="parent">The slot of the thread that started it, or -1.</param>
    public void ThreadStarted(int thread, int parent)
    {
        if (thread < _threads)
        {
            Array.Clear(_clocks, thread * MaxThreads, MaxThreads); // A slot used again knows nothing of what its last thread knew.
        }

        _threads = Math.Max(_threads, thread + 1);

        if (parent >= 0)
        {
            Join(_clocks.AsSpan(thread * MaxThreads, _threads), _clocks.AsSpan(parent * MaxThreads, _threads));
        }
    }

    /// <summary>Takes notice of a step and tells with which earlier ones it races.</summary>
    /// <param name="thread">Slot of the thread.</param>
    /// <param name="step">Number of the step.</param>
    /// <param name="request">The step.</param>
    /// <param name="result">What it answered.</param>
    /// <returns>The numbers of the racing steps, those of reads first; valid until the next call.</returns>
    public ReadOnlySpan<long> Step(int thread, long step, in StepRequest request, in StepResult result)
    {
        _clocks[(thread * MaxThreads) + thread] = step;
        var slot = result.Slot;
        if (slot < 0)
        {
            return [];
        }

        if (slot >= _writes.Length)
        {
            Grow(slot);
        }

        _racingCount.Value = 0;
        switch (request.Kind)
        {
            case StepKind.Load:
                Load(thread, step, request.Marking, slot);
                break;
            case StepKind.Store:
                Write(thread, step, request.Marking, slot);
                if (request.Marking is Marking.Ordered or Marking.Atomic)
                {
                    Release(thread, slot);
                }

                break;
            case StepKind.Add or StepKind.Exchange or StepKind.CompareExchange:
                Modify(thread, step, request, result);
                break;
            case StepKind.Lock:
            case StepKind.TryLock when StepRequest.Acquires(request.Kind, request.Marking, request.Expected, result.Value):
                Acquire(thread, slot);
                Acquire(thread, slot, _readersSince);
                break;
            case StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu:
                Acquire(thread, slot);
                break;
            case StepKind.ReadUnlock:
                Release(thread, slot, _readersSince); // Readers are ordered with writers only.
                break;
            case StepKind.Unlock or StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadUnlock:
                Release(thread, slot);
                break;
        }

        return _racing.AsSpan(0, _racingCount.Value);
    }

    /// <summary>Takes notice that a whole object is freed, which is a write to each of its words.</summary>
    /// <param name="thread">Slot of the thread.</param>
    /// <param name="step">Number of the step.</param>
    /// <param name="first">Its first word.</param>
    /// <param name="words">Number of words.</param>
    /// <returns>The numbers of the racing steps; valid until the next call.</returns>
    public ReadOnlySpan<long> Free(int thread, long step, int first, int words)
    {
        if (first + words > _writes.Length)
        {
            Grow(first + words);
        }

        _racingCount.Value = 0;
        for (var slot = first; slot < first + words; slot++)
        {
            Write(thread, step, Marking.Plain, slot);
        }

        return _racing.AsSpan(0, _racingCount.Value);
    }

    private void Load(int thread, long step, Marking marking, int slot)
    {
        if (marking >= Marking.Ordered)
        {
            if (marking is Marking.Hardware or Marking.DataRace)
            {
                return;
            }

            Acquire(thread, slot);
        }

        Compare(thread, _writes[slot], marking);
        var epoch = Epoch(step, thread, marking);
        var last = _reads[slot];
        if (IsOld(last) || ThreadOf(last) == thread)
        {
            _reads[slot] = epoch;
        }
        else if (ThreadOf(last) == ManyReaders)
        {
            _readRows[RowOf(_readRowSince[slot]) + thread] = epoch;
        }
        else
        {
            Inflate(slot, last, epoch, step);
        }
    }

    private void Write(int thread, long step, Marking marking, int slot)
    {
        if (marking is Marking.Hardware or Marking.DataRace)
        {
            return;
        }

        if (!IsOld(_reads[slot]))
        {
            CompareWithReads(thread, slot, marking);
        }

        Compare(thread, _writes[slot], marking);
        _writes[slot] = Epoch(step, thread, marking);
    }

    private void Modify(int thread, long step, in StepRequest request, in StepResult result)
    {
        if (StepRequest.Acquires(request.Kind, request.Marking, request.Expected, result.Value))
        {
            Acquire(thread, result.Slot);
        }

        Write(thread, step, Marking.Atomic, result.Slot);
        if (StepRequest.Releases(request.Kind, request.Marking, request.Expected, result.Value))
        {
            Release(thread, result.Slot);
        }
    }

    private void CompareWithReads(int thread, int slot, Marking marking)
    {
        var last = _reads[slot];
        var isOne = ThreadOf(last) != ManyReaders;
        var areOrdered = true;
        foreach (var epoch in isOne ? new ReadOnlySpan<ulong>(in last) : _readRows.AsSpan(RowOf(_readRowSince[slot]), _threads))
        {
            areOrdered &= Compare(thread, epoch, marking);
        }

        if (areOrdered)
        {
            _reads[slot] = 0; // From here on the write speaks for them.
        }
    }

    /// <summary>Compares with an earlier access and notes a race.</summary>
    /// <returns>True when it is ordered before.</returns>
    private bool Compare(int thread, ulong epoch, Marking marking)
    {
        if (IsOld(epoch) || IsOrdered(thread, epoch))
        {
            return true;
        }

        if (marking == Marking.Plain || (Marking)((epoch >> 8) & 0xff) == Marking.Plain)
        {
            Note((long)(epoch >> StepShift));
        }

        return false;
    }

    private void Note(long step)
    {
        if (_racingCount.Value == _racing.Length)
        {
            Array.Resize(ref _racing, _racingCount.Value * 2);
        }

        _racing[_racingCount.Value++] = step;
    }

    private static ulong Epoch(long step, int thread, Marking marking) => ((ulong)step << StepShift) | ((ulong)marking << 8) | (uint)thread;

    private static int ThreadOf(ulong epoch) => (int)(epoch & 0xff);

    private bool IsOld(ulong epoch) => (long)(epoch >> StepShift) < _begin;

    private bool IsOrdered(int thread, ulong epoch) =>
        ThreadOf(epoch) == thread || _clocks[(thread * MaxThreads) + ThreadOf(epoch)] >= (long)(epoch >> StepShift);

    private void Inflate(int slot, ulong last, ulong epoch, long step)
    {
        if (_readRowSince[slot] >= _begin + 1)
        {
            _readRows.AsSpan(RowOf(_readRowSince[slot]), _threads).Clear(); // What it held was ordered before a write.
        }
        else
        {
            _readRowSince[slot] = _begin + 1 + _readRowCount++; // Named by age, as the rows of clocks are.
            if (_readRowCount * MaxThreads > _readRows.Length)
            {
                Array.Resize(ref _readRows, _readRows.Length * 2);
            }
        }

        var row = _readRows.AsSpan(RowOf(_readRowSince[slot]), MaxThreads);
        row[ThreadOf(last)] = last;
        row[ThreadOf(epoch)] = epoch;
        _reads[slot] = Epoch(step, ManyReaders, Marking.Plain);
    }

    private void Acquire(int thread, int slot) => Acquire(thread, slot, _syncSince);

    private void Acquire(int thread, int slot, long[] since)
    {
        if (since[slot] >= _begin + 1)
        {
            Join(_clocks.AsSpan(thread * MaxThreads, _threads), _syncClocks.AsSpan(RowOf(since[slot]), _threads));
        }
    }

    private void Release(int thread, int slot) => Release(thread, slot, _syncSince);

    private void Release(int thread, int slot, long[] since)
    {
        var mine = _clocks.AsSpan(thread * MaxThreads, _threads);
        if (since[slot] < _begin + 1)
        {
            if ((_syncRowCount + 1) * MaxThreads > _syncClocks.Length)
            {
                Array.Resize(ref _syncClocks, _syncClocks.Length * 2);
            }

            // What an earlier schedule left in the row is older than all clocks of this one, and need not be cleared.
            // The row is named by the step that made it: schedule begin + 1 + row, so old rows are told by their age.
            since[slot] = _begin + 1 + _syncRowCount++;
        }

        Join(_syncClocks.AsSpan(RowOf(since[slot]), _threads), mine);
    }

    private int RowOf(long since) => (int)(since - _begin - 1) * MaxThreads;

    private static void Join(Span<long> into, ReadOnlySpan<long> from)
    {
        for (var i = 0; i < from.Length; i++)
        {
            if (from[i] > into[i])
            {
                into[i] = from[i];
            }
        }
    }

    private void Grow(int slot)
    {
        var size = Math.Max(slot + 1, _writes.Length * 2);
        Array.Resize(ref _writes, size);
        Array.Resize(ref _reads, size);
        Array.Resize(ref _readRowSince, size);
        Array.Resize(ref _syncSince, size);
        Array.Resize(ref _readersSince, size);
    }
}
