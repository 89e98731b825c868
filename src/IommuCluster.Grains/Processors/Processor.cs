using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;
using ThreadStart = IommuCluster.Kernel.Memory.ThreadStart;

namespace IommuCluster.Grains.Processors;

/// <summary>What a CPU says to the rest of the machine.</summary>
internal interface IProcessorLines
{
    /// <summary>Sends a step to the owner of its word.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The answer.</returns>
    ValueTask<StepReply> StepAsync(StepMessage step);

    /// <summary>Sends a report to the SoC.</summary>
    /// <param name="report">The report.</param>
    /// <returns>Completes when it is sent.</returns>
    ValueTask ReportAsync(ThreadReport report);
}

/// <summary>
/// A CPU: the kernel's memory as its threads see it. A step becomes a message, the thread goes on when the answer comes,
/// and nobody waits meanwhile. All its methods, and the continuations of what it awaits, run one at a time.
/// </summary>
/// <param name="boot">What its threads run.</param>
/// <param name="lines">Where messages go.</param>
internal sealed class Processor(Boot boot, IProcessorLines lines) : IKernelMemory
{
    private readonly Dictionary<int, SimulatedThread> _threads = [];
    private readonly HashSet<HomeMessage> _homes = [];
    private bool _isAnnouncing;

    /// <summary>Starts a thread of a stage.</summary>
    /// <param name="order">Which one; one that runs already is left alone.</param>
    public void Start(ThreadOrder order)
    {
        if (!_threads.ContainsKey(order.Thread))
        {
            Start(order, boot.Workload.Stages[order.Stage].Threads[order.Index], parent: null);
        }
    }

    /// <summary>Lets a thread take the step that it announced.</summary>
    /// <param name="id">The thread.</param>
    /// <param name="sequence">The step.</param>
    public void Go(int id, int sequence)
    {
        if (_threads.TryGetValue(id, out var thread) && thread is { IsWaiting: true, IsGone: false } && thread.Sequence == sequence)
        {
            thread.Travelling = TravelAsync(thread, thread.Announced());
        }
    }

    /// <summary>Takes the late answer of a step.</summary>
    /// <param name="grant">The answer.</param>
    /// <returns>Completes when the thread has announced its next step or is gone.</returns>
    public ValueTask GrantAsync(Grant grant) =>
        _threads.TryGetValue(grant.Thread, out var thread) ? AnswerAsync(thread, grant.Sequence, grant.Reply) : ValueTask.CompletedTask;

    /// <summary>Describes the threads that wait.</summary>
    /// <returns>A description each.</returns>
    public ImmutableArray<WaiterMessage> Waiters() =>
        [.. from thread in _threads.Values where thread is { IsWaiting: true, IsGone: false } select WaiterMessages.Of(thread.Kernel)];

    /// <summary>Stops all threads where they stand.</summary>
    /// <returns>What they did; completes when no step is on its way any more.</returns>
    public async Task<CpuSummary> EndAsync()
    {
        foreach (var thread in _threads.Values)
        {
            thread.IsGone = true;
        }

        await Task.WhenAll(_threads.Values.Select(thread => thread.Travelling));
        return new CpuSummary(
            _threads.Values.Sum(thread => (long)thread.Kernel.StepCount),
            [.. _homes],
            boot.IsControlled ? [] : [.. _threads.Values.SelectMany(thread => thread.TakeFindings())]);
    }

    /// <inheritdoc/>
    public bool Announce(KernelThread thread)
    {
        var running = _threads[thread.Id];
        var step = running.Announce();
        if (step.Kind == StepKind.Allocate)
        {
            var home = new Address(step.Base).Home;
            _homes.Add(new HomeMessage(home.Kind, home.Index));
        }

        _isAnnouncing = true;
        running.Travelling = boot.IsControlled ? ReportAsync(running, ThreadEvent.Announced, step) : TravelAsync(running, step);
        _isAnnouncing = false;
        return false;
    }

    /// <inheritdoc/>
    public void Report(KernelThread thread, Finding finding) => _threads[thread.Id].Note(finding);

    /// <inheritdoc/>
    public void Spawn(KernelThread parent, ThreadStart start) =>
        throw new System.Diagnostics.UnreachableException("A thread is spawned by the answer of its step.");

    /// <inheritdoc/>
    public void Exited(KernelThread thread)
    {
        var running = _threads[thread.Id];
        running.IsGone = true;
        var failure = thread.Failure?.SourceException.ToString();
        running.Travelling = ReportAsync(running, failure is null ? ThreadEvent.Ended : ThreadEvent.Failed, step: null, failure);
    }

    private void Start(ThreadOrder order, ThreadStart start, KernelThread? parent)
    {
        var thread = new KernelThread(this, boot.Lockdep, order.Slot, boot.Workload.Machine);
        thread.Prepare(order.Thread, start, parent);
        _threads.Add(order.Thread, new SimulatedThread(thread, order));
        thread.Begin();
    }

    private async Task ReportAsync(SimulatedThread thread, ThreadEvent happened, StepMessage? step = null, string? failure = null) =>
        await lines.ReportAsync(thread.Report(happened, step, failure));

    private async Task TravelAsync(SimulatedThread thread, StepMessage step)
    {
        try
        {
            var reply = await lines.StepAsync(step);
            if (_isAnnouncing)
            {
                await Task.Yield(); // The answer was faster than the thread, which is about to suspend itself.
            }

            await AnswerAsync(thread, step.Sequence, reply);
        }
#pragma warning disable CA1031 // Whatever went wrong ends the boot, and whoever asked for it is told.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            thread.IsGone = true;
            await ReportAsync(thread, ThreadEvent.Failed, step: null, failure.ToString());
        }
    }

    private async ValueTask AnswerAsync(SimulatedThread thread, int sequence, StepReply reply)
    {
        if (reply.IsQueued)
        {
            if (thread.NoteBlocked(sequence))
            {
                await ReportAsync(thread, ThreadEvent.Blocked);
            }
        }
        else if (thread.Accept(sequence))
        {
            await GoOnAsync(thread, reply);
        }
    }

    private async ValueTask GoOnAsync(SimulatedThread thread, StepReply reply)
    {
        thread.Note(reply.LetIn);
        boot.Complete(thread.Kernel, new StepResult { Value = reply.Value, Fault = reply.Fault });
        if (reply.Fault != FaultKind.None)
        {
            thread.Note(Oopses.Describe(EntryOf(thread.Kernel, reply), reply.Type, boot.Workload.Architecture));
            thread.IsGone = true;
            await ReportAsync(thread, ThreadEvent.Oopsed);
        }
        else if (thread.Kernel.StepCount == boot.Options.MaxSteps)
        {
            thread.Note(new Finding(FindingKind.NoProgress, thread.Kernel.Function, string.Empty, string.Empty, string.Empty, $"more than {boot.Options.MaxSteps} steps in one thread"));
            thread.IsGone = true;
            await ReportAsync(thread, ThreadEvent.OverBound);
        }
        else
        {
            if (reply.Spawned is { } child)
            {
                Start(child, thread.Kernel.Spawned!, thread.Kernel); // Set by the step that was answered.
            }

            thread.Kernel.Resume();
        }
    }

    private static TraceEntry EntryOf(KernelThread thread, StepReply reply) => new()
    {
        Kind = thread.Request.Kind,
        Fault = reply.Fault,
        Function = thread.Function,
        Field = thread.Request.Field,
        Index = thread.Request.Index,
        Base = thread.Request.Base,
    };
}
