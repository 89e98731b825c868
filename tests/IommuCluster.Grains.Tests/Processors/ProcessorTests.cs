using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Memory;
using IommuCluster.Grains.Processors;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Processors;

public sealed class ProcessorTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public Task Answer_FasterThanTheThreadSuspends_IsTaken() => InTurn(async () =>
    {
        var lines = new Lines();
        var processor = ProcessorOf(lines, async t => await t.Store(s_box.X, await t.Load(s_box.X) + 1));
        processor.Start(new ThreadOrder(1, 0, 0, 0, 0, 1));
        await lines.Ended(1);
        processor.Start(new ThreadOrder(2, 0, 0, 1, 0, 2));
        await lines.Ended(2);

        Assert.Equal(1UL, lines.Memory.Peek(s_box.Address.Plus(s_box.X.Descriptor.Word)));
    });

    [Fact]
    public Task Grant_BeforeTheNewsOfTheWait_LeavesNothingToTell() => InTurn(async () =>
    {
        var lines = new Lines();
        var processor = ProcessorOf(lines, async t => await t.Lock(s_box.A));
        processor.Start(new ThreadOrder(1, 0, 0, 0, 0, 1));
        await lines.Ended(1);
        lines.Held = new TaskCompletionSource<StepReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        processor.Start(new ThreadOrder(2, 0, 0, 1, 0, 2));

        await processor.GrantAsync(new Grant(2, 1, 0, StepReply.Done));
        await processor.GrantAsync(new Grant(2, 1, 0, StepReply.Done)); // Arrives again.
        lines.Held.SetResult(StepReply.Queued);
        await Task.Yield(); // The news of the wait is before us in the scheduler's queue.
        await processor.EndAsync();

        Assert.Equal([ThreadEvent.Ended], lines.EventsOf(2));
    });

    [Fact]
    public Task Line_ThatBreaks_EndsTheBootAsFailure() => InTurn(async () =>
    {
        var lines = new Lines { Held = new TaskCompletionSource<StepReply>(TaskCreationOptions.RunContinuationsAsynchronously) };
        var processor = ProcessorOf(lines, async t => await t.Lock(s_box.A));
        processor.Start(new ThreadOrder(2, 0, 0, 1, 0, 2));
        lines.Held.SetException(new TimeoutException("no silo"));

        await lines.Ended(2);

        Assert.Equal([ThreadEvent.Failed], lines.EventsOf(2));
    });

    /// <summary>As in a grain: one thing at a time, and what yields comes back to the same scheduler.</summary>
    private static Task InTurn(Func<Task> test) => Task.Factory.StartNew(
        test,
        System.Threading.CancellationToken.None,
        TaskCreationOptions.DenyChildAttach,
        new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap();

    private static Processor ProcessorOf(Lines lines, Func<KernelThread, Flow> body) =>
        new(new Boot(Programs.Of(body), new BootOrder(null, null, "test", Checkers: true, GoOnAfterOops: false, MaxSteps: 1_000)), lines);

    /// <summary>Answers at once from one memory, or when the test says so.</summary>
    private sealed class Lines : IProcessorLines
    {
        private readonly Dictionary<int, TaskCompletionSource> _ended = new() { [1] = new(TaskCreationOptions.RunContinuationsAsynchronously), [2] = new(TaskCreationOptions.RunContinuationsAsynchronously) };
        private readonly List<ThreadReport> _reports = [];

        public HomeMemory Memory { get; } = new();

        public TaskCompletionSource<StepReply>? Held { get; set; }

        public ValueTask<StepReply> StepAsync(StepMessage step) => Held is { } held ? new(held.Task) : new(Memory.Step(step));

        public ValueTask ReportAsync(ThreadReport report)
        {
            _reports.Add(report);
            if (report.Event is ThreadEvent.Ended or ThreadEvent.Failed)
            {
                _ended[report.Thread].TrySetResult();
            }

            return ValueTask.CompletedTask;
        }

        public Task<ImmutableArray<FindingMessage>> LearnAsync(WaitMessage step, ImmutableArray<LockEdgeMessage> edges) => Task.FromResult<ImmutableArray<FindingMessage>>([]);

        public Task Ended(int thread) => _ended[thread].Task;

        public IEnumerable<ThreadEvent> EventsOf(int thread) => _reports.Where(report => report.Thread == thread).Select(report => report.Event);
    }
}
