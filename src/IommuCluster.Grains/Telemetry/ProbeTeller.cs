using System.Collections.Immutable;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Telemetry;

/// <summary>Asks a SoC's devices and IOMMUs how their probes came out.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="beginning">What the keys of the SoC's parts begin with.</param>
internal sealed class ProbeTeller(IGrainFactory grains, string beginning)
{
    /// <summary>Asks.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="parts">The parts of the SoC that came to be: a device that nobody touched is not bound.</param>
    /// <returns>An outcome each device.</returns>
    public async Task<ImmutableArray<ProbeOutcome>> TellAsync(Machine machine, IReadOnlyCollection<SocPart> parts)
    {
        var bound = WhereAsync(parts, HomeKind.Device, async grain => (await Delivery.AskAsync(((IDeviceGrain)grain).DescribeAsync)).IsBound);
        var registered = WhereAsync(parts, HomeKind.Iommu, async grain => (await Delivery.AskAsync(((IIommuGrain)grain).DescribeAsync)).IsRegistered);
        return BootCensus.Outcomes(machine, await bound, await registered);
    }

    private async Task<HashSet<int>> WhereAsync(IEnumerable<SocPart> parts, HomeKind kind, Func<IMemoryGrain, Task<bool>> isSo)
    {
        var asked = parts.Where(part => part.Kind == kind).Select(async part => (part.Index, IsSo: await isSo(grains.Owner(beginning, new Home(kind, part.Index)))));
        return [.. from answer in await Task.WhenAll(asked) where answer.IsSo select answer.Index];
    }
}
