using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Checking;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Grains.Telemetry;
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
    /// <returns>Completes when it has arrived.</returns>
    ValueTask ReportAsync(ThreadReport report);

    /// <summary>Sends new edges of the lock order to the graph that the boot shares.</summary>
    /// <param name="step">The step that made them.</param>
    /// <param name="edges">The edges.</param>
    /// <returns>The cycles that they close.</returns>
    Task<ImmutableArray<FindingMessage>> LearnAsync(WaitMessage step, ImmutableArray<LockEdgeMessage> edges);
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
    private readonly HashSet<RaceMessage> _races = [];
    private readonly Sites _sites = new();
    private readonly List<Task> _lessons = [];
    private readonly List<LockEdgeMessage> _edges = [];
    private CpuSummary? _summary;
    private SimulatedThread? _driven; // Goes on within the loop that sends its steps, which sends the next one, too.
    private bool _isAnnouncing;

    /// <summary>Name of the graph of lock classes that replays of one run share.</summary>
    public string LockGraph => boot.Order.LockGraph!; // Where a schedule decides there is one, and nobody else asks.

    /// <summary>Steps that its threads asked for so far.</summary>
    public long Steps => _threads.Values.Sum(thread => (long)thread.Sequence);

    /// <summary>Starts a thread of a stage.</summary>
    /// <param name="order">Which one; one that runs already is left alone.</param>
    public void Start(ThreadOrder order)
    {
        if (!_threads.ContainsKey(order.Thread))
        {
            var operation = order.Operation is null ? null : new Operation(order.Operation);
            Start(order, operation?.ToStart() ?? boot.Workload.Stages[order.Stage].Threads[order.Index], parent: null, operation);
        }
    }

    /// <summary>Lets a thread take the step that it announced.</summary>
    /// <param name="id">The thread.</param>
    /// <param name="sequence">The step.</param>
    public void Go(int id, int sequence)
    {
        if (_threads.TryGetValue(id, out var thread) && thread.MayGo(sequence))
        {
            thread.Travelling = TravelAsync(thread);
        }
    }

    /// <summary>Takes the late answer of a step.</summary>
    /// <param name="grant">The answer.</param>
    /// <returns>Completes when the thread has announced its next step or is gone.</returns>
    public async ValueTask GrantAsync(Grant grant)
    {
        if (_threads.TryGetValue(grant.Thread, out var thread) && await AnswerAsync(thread, grant.Sequence, grant.Reply))
        {
            thread.Kernel.Resume();
        }
    }

    /// <summary>Describes the threads that wait.</summary>
    /// <returns>A description each.</returns>
    public ImmutableArray<WaiterMessage> Waiters() =>
        [.. from thread in _threads.Values where thread is { IsWaiting: true, IsGone: false } select WaiterMessages.Of(thread.Kernel)];

    /// <summary>Puts places of the code into words.</summary>
    /// <param name="sites">Their numbers.</param>
    /// <returns>A description each.</returns>
    public ImmutableArray<SiteMessage> Describe(ImmutableArray<int> sites) => [.. sites.Select(number => _sites[number])];

    /// <summary>Stops all threads where they stand.</summary>
    public void Stop()
    {
        foreach (var thread in _threads.Values)
        {
            thread.IsGone = true;
            thread.Watch?.Ended();
        }
    }

    /// <summary>Stops all threads and sums up.</summary>
    /// <returns>What they did; completes when no step is on its way any more.</returns>
    public async Task<CpuSummary> EndAsync()
    {
        Stop();
        await Task.WhenAll(_threads.Values.Select(thread => thread.Travelling).Concat(_lessons));
        return _summary ??= new CpuSummary(
            _threads.Values.Sum(thread => (long)thread.Kernel.StepCount),
            boot.IsControlled ? [] : [.. _threads.Values.SelectMany(thread => thread.TakeFindings())],
            [.. _races],
            [.. _edges],
            boot.Workload.Machine?.Profile.Asked ?? 0);
    }

    /// <inheritdoc/>
    public bool Announce(KernelThread thread)
    {
        var running = _threads[thread.Id];
        running.Announce();
        running.Watch?.Announced();
        if (boot.IsControlled)
        {
            running.Travelling = ReportAsync(running, ThreadEvent.Announced, running.Announced());
        }
        else if (_driven != running)
        {
            _isAnnouncing = true;
            running.Travelling = TravelAsync(running);
            _isAnnouncing = false;
        }

        return false;
    }

    /// <inheritdoc/>
    public void Report(KernelThread thread, Finding finding)
    {
        if (finding.Kind != FindingKind.LockOrder) // What contradicts each other on this silo only; the shared graph knows all, and tells.
        {
            _threads[thread.Id].Note(FindingMessage.Of(finding));
        }
    }

    /// <inheritdoc/>
    public void Spawn(KernelThread parent, ThreadStart start) =>
        throw new System.Diagnostics.UnreachableException("A thread is spawned by the answer of its step.");

    /// <inheritdoc/>
    public void Exited(KernelThread thread)
    {
        var running = _threads[thread.Id];
        running.IsGone = true;
        running.Watch?.Ended();
        var failure = thread.Failure?.SourceException.ToString();
        running.Travelling = ReportAsync(running, failure is null ? ThreadEvent.Ended : ThreadEvent.Failed, step: null, failure);
    }

    private void Start(ThreadOrder order, ThreadStart start, SimulatedThread? parent, Operation? operation = null)
    {
        var kernel = new KernelThread(this, boot.Lockdep, order.Slot, boot.Workload.Machine);
        kernel.Prepare(order.Thread, start, parent?.Kernel);
        var clock = VectorClock.At(order.First).Join(parent?.Clock?.With(parent.Kernel.Id, parent.Sequence));
        _threads.Add(order.Thread, new SimulatedThread(kernel, order)
        {
            Clock = boot.Order.Checkers && !start.IsHardware ? clock : null,
            Operation = operation,
            Watch = ThreadWatch.Of(boot.Instruments, kernel, boot.Span),
        });
        kernel.Begin();
    }

    private async Task ReportAsync(SimulatedThread thread, ThreadEvent happened, StepMessage? step = null, string? failure = null, bool isLost = false) =>
        await lines.ReportAsync(thread.Report(happened, step, failure) with { IsLost = isLost });

    /// <summary>
    /// Sends a thread's step, and the next ones as they are announced, until it has to wait or is gone; where a schedule
    /// decides, one step. A step is sent again when it is not known whether it arrived: its owner gives a repeat the first answer.
    /// </summary>
    private async Task TravelAsync(SimulatedThread thread)
    {
        var step = thread.ToTravel(_sites);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var reply = await lines.StepAsync(step);
                if (_isAnnouncing)
                {
                    await Task.Yield(); // The answer was faster than the thread, which is about to suspend itself.
                }

                if (!await AnswerAsync(thread, step.Sequence, reply) || !HasNext(thread))
                {
                    return;
                }

                step = thread.ToTravel(_sites);
                attempt = 0;
            }
            catch (Exception failure) when (Delivery.MayRepeat(failure, attempt))
            {
                await Delivery.PauseAsync(attempt); // Sent again then; an answer that was taken already is not taken twice.
            }
#pragma warning disable CA1031 // Whatever went wrong ends the boot, and whoever asked for it is told.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                thread.IsGone = true;
                await ReportAsync(thread, ThreadEvent.Failed, step: null, failure.ToString(), Delivery.IsOfTheWay(failure));
                return;
            }
        }
    }

    /// <summary>Lets a thread go on within the loop that sends its steps.</summary>
    /// <returns>True when it announced a step that the loop is to send.</returns>
    private bool HasNext(SimulatedThread thread)
    {
        _driven = thread;
        thread.Kernel.Resume();
        _driven = null;
        return !thread.IsGone && !boot.IsControlled;
    }

    /// <summary>Takes the answer of a step.</summary>
    /// <returns>True when the thread may go on.</returns>
    private ValueTask<bool> AnswerAsync(SimulatedThread thread, int sequence, StepReply reply) =>
        reply.IsQueued ? BlockAsync(thread, sequence)
        : thread.Accept(sequence) ? TakeAsync(thread, reply)
        : ValueTask.FromResult(false);

    private async ValueTask<bool> BlockAsync(SimulatedThread thread, int sequence)
    {
        thread.Watch?.Queued();
        if (thread.NoteBlocked(sequence))
        {
            await ReportAsync(thread, ThreadEvent.Blocked);
        }

        return false;
    }

    private async ValueTask<bool> TakeAsync(SimulatedThread thread, StepReply reply)
    {
        Heed(thread, reply);
        thread.Watch?.Answered(reply.Value);
        var edges = boot.Complete(thread.Kernel, new StepResult { Value = reply.Value, Fault = reply.Fault });
        if (!edges.IsEmpty)
        {
            await TeachAsync(thread, edges);
        }

        if (thread.IsGone)
        {
            return false; // The boot ended meanwhile.
        }

        if (reply.Fault != FaultKind.None)
        {
            thread.Note(FindingMessage.Of(Oopses.Describe(EntryOf(thread.Kernel, reply), reply.Type, boot.Workload.Architecture)));
            return await StopAsync(thread, ThreadEvent.Oopsed);
        }

        if (thread.Kernel.StepCount == boot.Order.MaxSteps)
        {
            thread.Note(FindingMessage.Of(new Finding(FindingKind.NoProgress, thread.Kernel.Function, string.Empty, string.Empty, string.Empty, $"more than {boot.Order.MaxSteps} steps in one thread")));
            return await StopAsync(thread, ThreadEvent.OverBound);
        }

        if (reply.Spawned is { } child)
        {
            Start(child, thread.Kernel.Spawned!, thread); // Set by the step that was answered.
        }

        return true;
    }

    /// <summary>Takes what the answer tells besides the word: who was let in, what the thread has heard of now, races.</summary>
    private void Heed(SimulatedThread thread, StepReply reply)
    {
        thread.Note(reply.LetIn);
        foreach (var other in reply.Races ?? [])
        {
            _races.Add(new RaceMessage(other, new AccessMessage(thread.Cpu, _sites.NumberOf(thread.Kernel))));
        }

        if (reply.Clock is { } clock)
        {
            thread.Learn(clock, thread.Kernel.Request.Base.Value);
        }
    }

    /// <summary>
    /// Where concurrency decides, edges are kept until the boot sums up. In a replay the thread goes on when the graph has
    /// answered, so that edges come in the order of the schedule.
    /// </summary>
    private async ValueTask TeachAsync(SimulatedThread thread, ImmutableArray<LockEdge> edges)
    {
        if (!boot.IsControlled)
        {
            _edges.AddRange(edges.Select(LockEdgeMessage.Of));
            return;
        }

        var lesson = lines.LearnAsync(new WaitMessage(thread.Kernel.Id, thread.Sequence), [.. edges.Select(LockEdgeMessage.Of)]);
        _lessons.Add(lesson);
        foreach (var cycle in await lesson)
        {
            thread.Note(cycle);
        }

        _lessons.Remove(lesson);
    }

    private async ValueTask<bool> StopAsync(SimulatedThread thread, ThreadEvent happened)
    {
        thread.IsGone = true;
        await ReportAsync(thread, happened);
        return false;
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
