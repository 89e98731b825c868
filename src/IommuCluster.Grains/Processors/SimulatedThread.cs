using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Checking;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Telemetry;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Processors;

/// <summary>A kernel thread on its CPU, with what is to be said about it on the wire.</summary>
/// <param name="thread">The thread.</param>
/// <param name="order">What started it.</param>
internal sealed class SimulatedThread(KernelThread thread, ThreadOrder order)
{
    private readonly List<WaitMessage> _letIn = [];
    private readonly List<FindingMessage> _findings = [];
    private readonly HashSet<ulong> _told = []; // The owners that know the clock.
    private int _reports;
    private int _lastBlocked;
    private int _lastGone;

    /// <summary>The thread.</summary>
    public KernelThread Kernel => thread;

    /// <summary>What somebody asked it to do, or null.</summary>
    public Operation? Operation { get; init; }

    /// <summary>The CPU on which it runs.</summary>
    public int Cpu => order.Cpu;

    /// <summary>Number of steps that it announced.</summary>
    public int Sequence { get; private set; }

    /// <summary>True from the announcement of a step to its answer.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>True once it ended, oopsed or was stopped.</summary>
    public bool IsGone { get; set; }

    /// <summary>Its step on the way, for whoever has to wait until none is.</summary>
    public Task Travelling { get; set; } = Task.CompletedTask;

    /// <summary>Tells of it to whoever listens; null for nobody.</summary>
    public ThreadWatch? Watch { get; init; }

    /// <summary>What it has heard of, or null where nobody looks for data races.</summary>
    public VectorClock? Clock
    {
        get;
        set
        {
            field = value;
            _told.Clear();
        }
    }

    /// <summary>Announces the step that the thread asks for.</summary>
    public void Announce()
    {
        Sequence++;
        IsWaiting = true;
    }

    /// <summary>The announced step, told to whoever decides when it is taken.</summary>
    /// <returns>The step.</returns>
    public StepMessage Announced() => ToMessage(thread.Request, site: 0, clock: null);

    /// <summary>The announced step, for the owner of its word.</summary>
    /// <param name="sites">Gives numbers to places of the code.</param>
    /// <returns>The step as it travels, with all that the owner has to know to find data races.</returns>
    public StepMessage ToTravel(Sites sites)
    {
        ref readonly var request = ref thread.Request;
        return Clock is null ? Announced()
            : ToMessage(request, sites.NumberOf(thread), _told.Add(GrainKeys.OwnerBits(request.Base.Value)) ? Clock : null);
    }

    /// <summary>Takes what a step told it to have heard of.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="owner">An address of the owner that told it.</param>
    public void Learn(VectorClock clock, ulong owner)
    {
        Clock = clock;
        _told.Add(GrainKeys.OwnerBits(owner));
    }

    /// <summary>Takes the leave to take a step, once.</summary>
    /// <param name="sequence">The step.</param>
    /// <returns>False when the leave was here before or comes too late.</returns>
    public bool MayGo(int sequence)
    {
        if (IsGone || !IsWaiting || sequence != Sequence || sequence == _lastGone)
        {
            return false;
        }

        _lastGone = sequence;
        return true;
    }

    /// <summary>Takes an answer, once.</summary>
    /// <param name="sequence">The step that it answers.</param>
    /// <returns>False when the answer was here before or comes too late.</returns>
    public bool Accept(int sequence)
    {
        if (IsGone || !IsWaiting || sequence != Sequence)
        {
            return false;
        }

        IsWaiting = false;
        return true;
    }

    /// <summary>Notes that a step was queued.</summary>
    /// <param name="sequence">The step.</param>
    /// <returns>False when there is nothing to tell: it was noted before, or its grant was faster.</returns>
    public bool NoteBlocked(int sequence)
    {
        if (!IsWaiting || sequence != Sequence || sequence == _lastBlocked)
        {
            return false;
        }

        _lastBlocked = sequence;
        return true;
    }

    /// <summary>Notes whose waits its step ended.</summary>
    /// <param name="waits">Their waits.</param>
    public void Note(ImmutableArray<WaitMessage> waits)
    {
        foreach (var wait in waits)
        {
            _letIn.Add(wait); // AddRange would box the array, with every step.
        }
    }

    /// <summary>Notes what it saw.</summary>
    /// <param name="finding">The finding.</param>
    public void Note(FindingMessage finding) => _findings.Add(finding);

    /// <summary>Takes what it saw and did not report.</summary>
    /// <returns>The findings.</returns>
    public ImmutableArray<FindingMessage> TakeFindings()
    {
        var findings = _findings.ToImmutableArray();
        _findings.Clear();
        return findings;
    }

    /// <summary>Makes its next report.</summary>
    /// <param name="happened">What happened.</param>
    /// <param name="step">The step that it wants to take, or null.</param>
    /// <param name="failure">What went wrong, or null.</param>
    /// <returns>The report, with all that was noted since the last one.</returns>
    public ThreadReport Report(ThreadEvent happened, StepMessage? step = null, string? failure = null)
    {
        var report = new ThreadReport(order.Thread, ++_reports, happened, Sequence, [.. _letIn], TakeFindings(), step, failure, happened == ThreadEvent.Ended ? Operation?.Answer : null);
        _letIn.Clear();
        return report;
    }

    private StepMessage ToMessage(in StepRequest request, int site, VectorClock? clock) => new(
        order.Thread,
        Sequence,
        order.Cpu,
        request.Kind,
        request.Base.Value,
        request.Field?.Word ?? -1,
        request.Index,
        request.Value,
        request.Expected,
        request.Kind == StepKind.Allocate ? request.Layout?.Name : null,
        request.Marking,
        site,
        clock);
}
