using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Locking;

/// <summary>
/// The steps that wait at one owner, first come, first served among those that can go on. Who comes when the lock is
/// free takes it, whoever waits: a lock given back is handed on in the same step, so it is never free with a waiter.
/// </summary>
internal sealed class WaitList
{
    private readonly List<StepMessage> _waiting = [];

    /// <summary>Number of steps that wait.</summary>
    public int Count => _waiting.Count;

    /// <summary>Puts a step at the end.</summary>
    /// <param name="step">The step.</param>
    public void Add(StepMessage step) => _waiting.Add(step);

    /// <summary>Takes out the first step that can go on.</summary>
    /// <param name="canProceed">Tells whether a step can.</param>
    /// <returns>The step, or null when all have to wait on.</returns>
    public StepMessage? TakeFirst(Func<StepMessage, bool> canProceed)
    {
        for (var i = 0; i < _waiting.Count; i++)
        {
            var step = _waiting[i];
            if (canProceed(step))
            {
                _waiting.RemoveAt(i);
                return step;
            }
        }

        return null;
    }
}
