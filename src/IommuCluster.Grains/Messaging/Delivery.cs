namespace IommuCluster.Grains.Messaging;

/// <summary>
/// Sends messages until they are answered. A call that failed may have arrived or not; all messages between grains are
/// such that a repeat is harmless, so it is sent again.
/// </summary>
internal static class Delivery
{
    /// <summary>How often a message is sent at most. With the pauses between, that outlasts the time in which the cluster finds out that a silo is dead, which may hold a part of its directory.</summary>
    public const int Tries = 7;

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
                await PauseAsync(attempt);
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
                await PauseAsync(attempt);
            }
        }
    }

    /// <summary>Waits before a message is sent again: not at all for the first time, then longer and longer.</summary>
    /// <param name="attempt">How often it was sent.</param>
    /// <returns>Completes when it may be sent.</returns>
    public static Task PauseAsync(int attempt) => attempt == 1 ? Task.CompletedTask : Task.Delay(TimeSpan.FromSeconds(1 << (attempt - 2)));

    /// <summary>Tells whether a failed message may be sent again.</summary>
    /// <param name="failure">Why it failed.</param>
    /// <param name="attempt">How often it was sent.</param>
    /// <returns>True for a failure of the way and not of whom it was for, as long as there are tries left.</returns>
    public static bool MayRepeat(Exception failure, int attempt) => IsOfTheWay(failure) && attempt < Tries;

    /// <summary>Tells a failure of the way from one of whom a message was for. After all tries it says that somebody is gone.</summary>
    /// <param name="failure">Why a message failed.</param>
    /// <returns>True when there is nothing wrong with the message.</returns>
    public static bool IsOfTheWay(Exception failure) => failure is TimeoutException or OrleansException;

    /// <summary>Tells whether a grain that is deactivated leaves the others behind: its memory is gone, and they go on.</summary>
    /// <param name="reason">Why it is deactivated.</param>
    /// <returns>False when it was let go, or goes with its silo, whose end is known anyway.</returns>
    public static bool LeavesOthers(DeactivationReason reason) => reason.ReasonCode is not (DeactivationReasonCode.ApplicationRequested or DeactivationReasonCode.ShuttingDown);
}
