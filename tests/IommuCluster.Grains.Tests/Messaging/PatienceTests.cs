using IommuCluster.Grains.Messaging;
using CancellationToken = System.Threading.CancellationToken;
using Timeout = System.Threading.Timeout;

namespace IommuCluster.Grains.Tests.Messaging;

/// <summary>Who is slow is waited for; who answers and does not go on is not.</summary>
public sealed class PatienceTests
{
    private readonly Clock _clock = new();
    private int _asked;

    [Fact]
    public async Task Wait_ThatGoesOn_LastsAsLongAsItTakes()
    {
        var patience = new Patience(_clock, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10));

        var news = await patience.WaitAsync(Silence(), () => Ask(patience, goesOn: true), CancellationToken.None);

        Assert.Equal(("here", 100), (news, _asked));
    }

    [Fact]
    public async Task Wait_InWhichNothingGoesOn_EndsAtTheLimit()
    {
        var patience = new Patience(_clock, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10));

        await Assert.ThrowsAsync<TimeoutException>(() => patience.WaitAsync(Silence(), () => Ask(patience, goesOn: false), CancellationToken.None));

        Assert.Equal(5, _asked);
    }

    [Fact]
    public async Task Wait_WhoseNewsComeAsTheTimeIsUp_TakesThem()
    {
        var news = new TaskCompletionSource<string>();
        _clock.TimeIsUp = () => news.TrySetResult("here");

        var taken = await new Patience(_clock, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(10)).WaitAsync(news.Task, () => Task.FromResult<string?>(null), CancellationToken.None);

        Assert.Equal("here", taken);
    }

    private static Task<string> Silence() => new TaskCompletionSource<string>().Task;

    private Task<string?> Ask(Patience patience, bool goesOn)
    {
        _asked++;
        if (goesOn)
        {
            patience.GoesOn();
        }

        return Task.FromResult(_asked == 100 ? "here" : null);
    }

    /// <summary>Time passes as soon as somebody waits for it.</summary>
    private sealed class Clock : TimeProvider
    {
        private TimeSpan _now;

        public Action TimeIsUp { get; set; } = () => { };

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now.Ticks;

        public override System.Threading.ITimer CreateTimer(System.Threading.TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _now += dueTime;
            callback(state);
            TimeIsUp();
            return TimeProvider.System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, period);
        }
    }
}
