using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Memory;

/// <summary>The SoC's globals, and the steps that are about threads and time instead of words.</summary>
/// <param name="control">Hands out ids and keeps the clock.</param>
internal sealed class SocMemory(IBootControl control) : HomeMemory
{
    /// <inheritdoc/>
    protected override StepReply Answer(StepMessage step) => step.Kind switch
    {
        StepKind.Spawn => StepReply.Done with { Spawned = control.Spawn(step) },
        StepKind.Sleep => control.Sleep(step) ? StepReply.Done : StepReply.Queued,
        _ => base.Answer(step),
    };
}
