using System.Collections.Concurrent;

namespace IommuCluster.Silo.Tests.Support;

/// <summary>
/// Lets SoCs begin on a silo that is about to be killed, but not end: however fast they boot, some are under way when it dies. One that had not
/// begun yet would not be lost: its beginning is sent again.
/// </summary>
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
        if (context.TargetId.Type == s_soc && IsDoomed(context) && context.MethodName != "BeginAsync")
        {
            await Task.Delay(System.Threading.Timeout.Infinite); // Until its silo is killed.
        }

        await context.Invoke();
    }

    private bool IsDoomed(IIncomingGrainCallContext call) =>
        _boots.GetOrAdd(call.TargetId, _ => _boots.Count >= Spared) && call.TargetContext.Address.SiloAddress!.Equals(_doomed);
}
