using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace IommuCluster.Grains.Placement;

/// <summary>All grains of a SoC on one silo, so that its steps stay local, and SoCs spread over the cluster; or a SoC's grains spread, where its name says so.</summary>
[GenerateSerializer, Immutable, SuppressReferenceTracking, Alias("iommucluster.soc-placement")]
internal sealed class SocPlacement : PlacementStrategy;

/// <summary>Marks a grain that is a part of a SoC.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class SocPlacementAttribute() : PlacementAttribute(new SocPlacement());

/// <summary>
/// Chooses by rendezvous hashing (Thaler, Ravishankar 1998): every silo draws a number for the SoC and the highest wins.
/// Whoever places a grain comes to the same silo without asking, and a silo that comes or goes moves only its own SoCs.
/// </summary>
/// <param name="registry">The boots that only this process knows, and which stay in it.</param>
internal sealed class SocPlacementDirector(BootRegistry registry) : IPlacementDirector
{
    /// <inheritdoc/>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var key = target.GrainIdentity.Key.ToString()!; // Keys are strings.
        return Task.FromResult(Choose(key, registry.Able(GrainKeys.BootOf(key), context.GetCompatibleSilos(target))));
    }

    /// <summary>Chooses a silo.</summary>
    /// <param name="key">The grain's key.</param>
    /// <param name="silos">The silos that can hold it, in any order; at least one.</param>
    /// <returns>The one that the key names, as long as it is there; else the same one for all grains of a SoC, unless the SoC is scattered.</returns>
    internal static SiloAddress Choose(string key, IReadOnlyCollection<SiloAddress> silos) =>
        GrainKeys.HomeOf(key) is { } home && silos.FirstOrDefault(silo => GrainKeys.NumberOf(silo) == home) is { } there ? there : ChooseByHash(key, silos);

    private static SiloAddress ChooseByHash(string key, IEnumerable<SiloAddress> silos)
    {
        var soc = GrainKeys.BootOf(key);
        var place = Kernel.Checking.StableHash.Of(GrainKeys.IsScattered(soc) ? key : soc);
        return silos.MaxBy(silo => (StateHash.Of(place, unchecked((uint)silo.GetConsistentHashCode())).Low, silo))
            ?? throw new InvalidOperationException($"No silo of the cluster can hold {key}.");
    }
}
