using IommuCluster.Grains.Messaging;
using CancellationToken = System.Threading.CancellationToken;
using ITimer = System.Threading.ITimer;
using SendOrPostCallback = System.Threading.SendOrPostCallback;
using SynchronizationContext = System.Threading.SynchronizationContext;
using TimerCallback = System.Threading.TimerCallback;

namespace IommuCluster.Grains.Tests.Messaging;

public sealed class PatienceTests
{
    [Fact]
    public async Task News_ThatComeJustAsTheTimeIsUp_AreTaken()
    {
        var clock = new HandClock();
        var turns = new Turns();
        var news = new TaskCompletionSource<string>();
        var patience = new Patience(clock, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        var waiting = turns.Start(() => patience.WaitAsync(news.Task, () => Task.FromResult<string?>(null), CancellationToken.None));

        clock.Fire(); // Who waits is told, but its turn has not come yet.
        news.SetResult("news");
        turns.Run();

        Assert.Equal("news", await waiting);
    }

    /// <summary>Time stands still; timers fire when the test says so.</summary>
    private sealed class HandClock : TimeProvider
    {
        private Action _fire = () => { };

        public void Fire() => _fire();

        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _fire = () => callback(state);
            return new NoTimer();
        }
    }

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>Keeps continuations until the test lets them run.</summary>
    private sealed class Turns : SynchronizationContext
    {
        private readonly Queue<Action> _waiting = [];

        public override void Post(SendOrPostCallback d, object? state) => _waiting.Enqueue(() => d(state));

        public Task<T> Start<T>(Func<Task<T>> begin)
        {
            Task<T>? begun = null;
            _waiting.Enqueue(() => begun = begin());
            Run();
            return begun!; // The action above ran.
        }

        public void Run()
        {
            var before = Current;
            SetSynchronizationContext(this);
            while (_waiting.TryDequeue(out var turn))
            {
                turn();
            }

            SetSynchronizationContext(before);
        }
    }
}
