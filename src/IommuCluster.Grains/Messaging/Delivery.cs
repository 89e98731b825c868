namespace IommuCluster.Grains.Messaging;

/// <summary>
/// Sends messages until they are answered. A call that failed may have arrived or not; all messages between grains are
/// such that a repeat is harmless, so it is sent again.
/// </summary>
internal static class Delivery
{
    /// <summary>How often a message is sent at most.</summary>
    public const int Tries = 4;

    /// <summary>Sends a message.</summary>
    /// <param name="call">Sends it once.</param>
    /// <returns>Completes when it is answered.</returns>
    public static async Task SendAsync(Func<ValueTask> call)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await call();
                return;
            }
            catch (Exception failure) when (MayRepeat(failure, attempt))
            {
                // Sent again.
            }
        }
    }

    /// <summary>Sends a message and takes its answer.</summary>
    /// <typeparam name="T">The answer.</typeparam>
    /// <param name="call">Sends it once.</param>
    /// <returns>The answer.</returns>
    public static async Task<T> AskAsync<T>(Func<ValueTask<T>> call)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (Exception failure) when (MayRepeat(failure, attempt))
            {
                // Asked again.
            }
        }
    }

    /// <summary>Tells whether a failed message may be sent again.</summary>
    /// <param name="failure">Why it failed.</param>
    /// <param name="attempt">How often it was sent.</param>
    /// <returns>True for a failure of the way and not of whom it was for, as long as there are tries left.</returns>
    public static bool MayRepeat(Exception failure, int attempt) => failure is TimeoutException or OrleansException && attempt < Tries;
}
