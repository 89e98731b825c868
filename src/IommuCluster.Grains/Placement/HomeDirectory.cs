using Orleans.GrainDirectory;

namespace IommuCluster.Grains.Placement;

/// <summary>
/// The directory of a SoC's parts, which keeps nothing: the key of a part names the silo that it is on, so placement finds it
/// again without asking. Where the cluster's own directory is, each part costs a message to the silo that keeps its entry as it
/// comes and one as it goes, and it is taken down with that silo. Should two activations of a part come to be, in a scattered SoC
/// while silos come or go, the SoC finds out as the second one joins.
/// </summary>
internal sealed class HomeDirectory : IGrainDirectory
{
    /// <summary>Name of the directory.</summary>
    public const string Name = "iommucluster.homes";

    /// <inheritdoc/>
    public Task<GrainAddress?> Register(GrainAddress address) => Task.FromResult<GrainAddress?>(address);

    /// <inheritdoc/>
    public Task Unregister(GrainAddress address) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<GrainAddress?> Lookup(GrainId grainId) => Task.FromResult<GrainAddress?>(null);

    /// <inheritdoc/>
    public Task UnregisterSilos(List<SiloAddress> siloAddresses) => Task.CompletedTask;
}
