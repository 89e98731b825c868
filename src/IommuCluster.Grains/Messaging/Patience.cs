using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Messaging;

/// <summary>Waits for news, and asks for them where none come: who was lost sends none.</summary>
/// <param name="Clock">Measures how long.</param>
/// <param name="AskAfter">How long to wait until it is asked, again and again.</param>
/// <param name="Limit">How long to wait without any sign that it goes on.</param>
internal sealed record Patience(TimeProvider Clock, TimeSpan AskAfter, TimeSpan Limit)
{
    private long _heard;

    /// <summary>Notes a sign that it goes on: who is slow is waited for.</summary>
    public void GoesOn() => System.Threading.Volatile.Write(ref _heard, Clock.GetTimestamp());

    /// <summary>Waits.</summary>
    /// <typeparam name="T">The news.</typeparam>
    /// <param name="news">Completes when they come.</param>
    /// <param name="ask">Asks for them; null when there are none yet.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>The news, as they came or were asked for.</returns>
    /// <exception cref="TimeoutException">There were none, nor a sign that it goes on, within the limit.</exception>
    public async Task<T> WaitAsync<T>(Task<T> news, Func<Task<T?>> ask, CancellationToken cancellation)
        where T : class
    {
        GoesOn();
        while (Clock.GetElapsedTime(System.Threading.Volatile.Read(ref _heard)) < Limit)
        {
            try
            {
                return await news.WaitAsync(AskAfter, Clock, cancellation);
            }
            catch (TimeoutException)
            {
                if ((news.IsCompleted ? await news : await ask()) is { } answer) // They may come as the time is up.
                {
                    return answer;
                }
            }
        }

        throw new TimeoutException($"All that was asked answered, and nothing went on for {Limit}.");
    }
}
