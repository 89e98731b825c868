using System.Collections.Concurrent;

namespace IommuCluster.Silo.Tests.Support;

/// <summary>Keeps SoCs from ending on a silo that is about to be killed: however fast they boot, some are under way when it dies.</summary>
internal sealed class DoomedSocs : IIncomingGrainCallFilter
{
    /// <summary>SoCs of the cluster that boot first, wherever they are.</summary>
    private const int Spared = 300;

    private static readonly GrainType s_soc = GrainType.Create("iommucluster.soc");

    private readonly ConcurrentDictionary<GrainId, bool> _boots = [];
    private volatile SiloAddress? _doomed;

    /// <summary>Chooses the silo.</summary>
    internal void Doom(SiloAddress silo) => _doomed = silo;

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        if (context.TargetId.Type == s_soc && _boots.GetOrAdd(context.TargetId, _ => _boots.Count >= Spared) && context.TargetContext.Address.SiloAddress!.Equals(_doomed))
        {
            await Task.Delay(System.Threading.Timeout.Infinite); // Until its silo is killed.
        }

        await context.Invoke();
    }
}
