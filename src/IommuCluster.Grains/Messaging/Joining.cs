using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Messaging;

/// <summary>How a grain that comes to be joins its SoC.</summary>
internal static class Joining
{
    /// <summary>Joins; the SoC is told which activation it is, so that one that lost its memory is found out.</summary>
    /// <param name="grains">The cluster.</param>
    /// <param name="boot">The boot.</param>
    /// <param name="part">What the grain is.</param>
    /// <param name="context">Its activation.</param>
    /// <returns>What boots.</returns>
    /// <exception cref="InvalidOperationException">The boot is not known, or the part was lost.</exception>
    public static async Task<BootOrder> JoinAsync(this IGrainFactory grains, string boot, SocPart part, IGrainContext context)
    {
        var activation = context.ActivationId.ToString();
        return await Delivery.AskAsync(() => grains.Soc(boot).JoinAsync(part, activation))
            ?? throw new InvalidOperationException($"{context.GrainId} is no part of a boot that is under way, or lost its memory with its silo.");
    }
}
