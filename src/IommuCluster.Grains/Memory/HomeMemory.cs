using System.Collections.Immutable;
using IommuCluster.Grains.Checking;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Locking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Memory;

/// <summary>The memory of one owner: its bank, who waits there, who accessed what, and the answers already given. Knows no grain.</summary>
internal class HomeMemory
{
    private static readonly StateHash s_byConstruction = new MemoryBank().Fingerprint();

    private readonly MemoryBank _bank = new();
    private readonly WaitList _waiting = new();
    private readonly FirstAnswers _answers = new();
    private readonly AccessHistory _history = new();
    private readonly NeutralShapes _shapes = new();
    private readonly List<Grant> _grants = [];

    /// <summary>Takes a step or queues it.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The answer. One that arrives again gets the first answer, or that of its grant.</returns>
    public StepReply Step(StepMessage step) => _answers.Find(step) ?? _answers.Keep(step, Answer(step));

    /// <summary>The grants that are to be sent on.</summary>
    /// <returns>All since the last call.</returns>
    public ImmutableArray<Grant> TakeGrants()
    {
        if (_grants.Count == 0)
        {
            return [];
        }

        var grants = _grants.ToImmutableArray();
        _grants.Clear();
        return grants;
    }

    /// <summary>Tells whether a step would go through now.</summary>
    /// <param name="step">The step.</param>
    /// <returns>False while it would have to wait.</returns>
    public bool CanProceed(StepMessage step)
    {
        if (!MayWait(step.Kind))
        {
            return true;
        }

        var request = _shapes.ToRequest(step);
        _bank.Resolve(ref request);
        return _bank.CanProceed(request);
    }

    /// <summary>Reads a word outside of any thread.</summary>
    /// <param name="address">The word.</param>
    /// <returns>The word, or null when there is none.</returns>
    public ulong? Peek(Address address) => _bank.Peek(address, 0);

    /// <summary>Looks at all that is here.</summary>
    /// <typeparam name="T">What is seen.</typeparam>
    /// <param name="look">Looks.</param>
    /// <returns>What it saw.</returns>
    public T Look<T>(Func<MemoryBank, T> look) => look(_bank);

    /// <summary>Hashes all words.</summary>
    /// <param name="withRcu">False to leave out the RCU state, which every bank has and only the SoC's counts.</param>
    /// <returns>The hash; those of all owners of a SoC add up to the hash of one bank that holds everything.</returns>
    public StateHash Fingerprint(bool withRcu) => withRcu ? _bank.Fingerprint() : _bank.Fingerprint().Minus(s_byConstruction);

    /// <summary>Answers a step that is here for the first time.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The answer.</returns>
    protected virtual StepReply Answer(StepMessage step)
    {
        _history.Arrived(step);
        if (!CanProceed(step))
        {
            _waiting.Add(step);
            return StepReply.Queued;
        }

        var reply = Apply(step);
        return EndsWaits(step.Kind) && _waiting.Count > 0 ? reply with { LetIn = LetIn() } : reply;
    }

    private static bool MayWait(StepKind kind) =>
        kind is StepKind.Lock or StepKind.ReadLock or StepKind.WaitForCompletion or StepKind.WaitEvent or StepKind.SynchronizeRcu or StepKind.Sleep;

    private static bool EndsWaits(StepKind kind) =>
        kind is StepKind.Free or StepKind.Unlock or StepKind.ReadUnlock or StepKind.Complete or StepKind.WakeUp or StepKind.RcuReadUnlock;

    private ImmutableArray<WaitMessage> LetIn()
    {
        var waits = ImmutableArray.CreateBuilder<WaitMessage>();
        while (_waiting.TakeFirst(CanProceed) is { } step)
        {
            waits.Add(new WaitMessage(step.Thread, step.Sequence));
            _grants.Add(new Grant(step.Thread, step.Sequence, step.Cpu, _answers.Keep(step, Apply(step))));
        }

        return waits.ToImmutable();
    }

    private StepReply Apply(StepMessage step)
    {
        var request = _shapes.ToRequest(step);
        var result = default(StepResult);
        if (step.Kind != StepKind.Allocate)
        {
            _bank.Resolve(ref request);
        }

        _bank.Apply(ref request, ref result);
        var verdict = _history.Applied(step, result, step.Kind == StepKind.Free && result.Slot >= 0 ? _bank.WordsOf(result.ObjectNumber) : 0);
        if (result.Fault == FaultKind.None && verdict is { Clock: null, Races.IsEmpty: true })
        {
            return StepReply.Of(result.Value);
        }

        var type = result.Fault == FaultKind.None ? null : _bank.LayoutOf(request.Base)?.Name;
        return new StepReply(IsQueued: false, result.Value, result.Fault, type, [], null, verdict.Clock, verdict.Races.IsEmpty ? null : verdict.Races);
    }
}
