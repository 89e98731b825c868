using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Memory;

/// <summary>
/// The answer of each thread's latest step, so that a message that arrives twice changes nothing. A thread has one step
/// on its way at a time: a step older than the latest was answered long ago, and its answer is dropped where it arrives.
/// </summary>
internal sealed class FirstAnswers
{
    private readonly Dictionary<int, (int Sequence, StepReply Reply)> _byThread = [];

    /// <summary>The answer of a step that was here before.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The answer (of a step granted meanwhile that of the grant), or null for a new step.</returns>
    public StepReply? Find(StepMessage step) =>
        _byThread.TryGetValue(step.Thread, out var last) && last.Sequence >= step.Sequence ? last.Reply : null;

    /// <summary>Keeps an answer.</summary>
    /// <param name="step">The step.</param>
    /// <param name="reply">Its answer.</param>
    /// <returns>The answer.</returns>
    public StepReply Keep(StepMessage step, StepReply reply)
    {
        _byThread[step.Thread] = (step.Sequence, reply);
        return reply;
    }
}
