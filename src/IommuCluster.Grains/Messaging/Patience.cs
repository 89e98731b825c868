using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Grains.Messaging;

/// <summary>Waits for news, and asks for them where none come: who was lost sends none.</summary>
/// <param name="Clock">Measures how long.</param>
/// <param name="AskAfter">How long to wait until it is asked, again and again.</param>
/// <param name="Limit">How long to wait in all.</param>
internal sealed record Patience(TimeProvider Clock, TimeSpan AskAfter, TimeSpan Limit)
{
    /// <summary>Waits.</summary>
    /// <typeparam name="T">The news.</typeparam>
    /// <param name="news">Completes when they come.</param>
    /// <param name="ask">Asks for them; null when there are none yet.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <returns>The news, as they came or were asked for.</returns>
    /// <exception cref="TimeoutException">There were none within the limit.</exception>
    public async Task<T> WaitAsync<T>(Task<T> news, Func<Task<T?>> ask, CancellationToken cancellation)
        where T : class
    {
        var began = Clock.GetTimestamp();
        while (Clock.GetElapsedTime(began) < Limit)
        {
            try
            {
                return await news.WaitAsync(AskAfter, Clock, cancellation);
            }
            catch (TimeoutException) when (!news.IsFaulted)
            {
                if (!news.IsCompleted && await ask() is { } answer) // They may have come just as the time was up.
                {
                    return answer;
                }
            }
        }

        return news.IsCompletedSuccessfully ? await news : throw new TimeoutException($"There was no news within {Limit}.");
    }
}
