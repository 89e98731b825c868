using System.Collections.Immutable;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Processors;

/// <summary>A kernel thread on its CPU, with what is to be said about it on the wire.</summary>
/// <param name="thread">The thread.</param>
/// <param name="order">What started it.</param>
internal sealed class SimulatedThread(KernelThread thread, ThreadOrder order)
{
    private readonly List<int> _letIn = [];
    private readonly List<FindingMessage> _findings = [];
    private int _reports;
    private int _lastBlocked;

    /// <summary>The thread.</summary>
    public KernelThread Kernel => thread;

    /// <summary>Number of steps that it announced.</summary>
    public int Sequence { get; private set; }

    /// <summary>True from the announcement of a step to its answer.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>True once it ended, oopsed or was stopped.</summary>
    public bool IsGone { get; set; }

    /// <summary>Its step on the way, for whoever has to wait until none is.</summary>
    public Task Travelling { get; set; } = Task.CompletedTask;

    /// <summary>Announces the step that the thread asks for.</summary>
    /// <returns>The step as it travels.</returns>
    public StepMessage Announce()
    {
        ref readonly var request = ref thread.Request;
        Sequence++;
        IsWaiting = true;
        return ToMessage(request);
    }

    /// <summary>The announced step, once more.</summary>
    /// <returns>The step as it travels.</returns>
    public StepMessage Announced() => ToMessage(thread.Request);

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

    /// <summary>Notes that a step was queued. Its grant may have been faster.</summary>
    /// <param name="sequence">The step.</param>
    /// <returns>False when that was noted before.</returns>
    public bool NoteBlocked(int sequence)
    {
        var isNew = sequence > _lastBlocked;
        _lastBlocked = Math.Max(_lastBlocked, sequence);
        return isNew;
    }

    /// <summary>Notes whose waits its step ended.</summary>
    /// <param name="threads">Their ids.</param>
    public void Note(ImmutableArray<int> threads) => _letIn.AddRange(threads);

    /// <summary>Notes what it saw.</summary>
    /// <param name="finding">The finding.</param>
    public void Note(Finding finding) => _findings.Add(FindingMessage.Of(finding));

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
        var report = new ThreadReport(order.Thread, ++_reports, happened, [.. _letIn], TakeFindings(), step, failure);
        _letIn.Clear();
        return report;
    }

    private StepMessage ToMessage(in StepRequest request) => new(
        order.Thread,
        Sequence,
        order.Cpu,
        request.Kind,
        request.Base.Value,
        request.Field?.Word ?? -1,
        request.Index,
        request.Value,
        request.Expected,
        request.Kind == StepKind.Allocate ? request.Layout?.Name : null);
}
