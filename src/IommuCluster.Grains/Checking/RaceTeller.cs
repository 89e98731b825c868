using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Checking;

/// <summary>Puts data races into words: each CPU knows the places of the code that it gave numbers to.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="parts">What the keys of the SoC's parts begin with.</param>
internal sealed class RaceTeller(IGrainFactory grains, string parts)
{
    /// <summary>Tells races.</summary>
    /// <param name="races">The pairs of accesses.</param>
    /// <returns>A finding a pair.</returns>
    public async Task<IEnumerable<FindingMessage>> TellAsync(IEnumerable<RaceMessage> races)
    {
        var pairs = races.Distinct().ToList();
        var entries = new Dictionary<AccessMessage, TraceEntry>();
        foreach (var accesses in pairs.SelectMany(pair => new[] { pair.First, pair.Second }).Distinct().GroupBy(access => access.Cpu))
        {
            var numbers = accesses.ToList();
            var sites = await Delivery.AskAsync(() => grains.Cpu(parts, accesses.Key).SitesAsync([.. numbers.Select(access => access.Site)]));
            for (var i = 0; i < numbers.Count; i++)
            {
                entries[numbers[i]] = EntryOf(sites[i]);
            }
        }

        return pairs.Select(pair => FindingMessage.Of(RaceFindings.Make(entries[pair.First], entries[pair.Second])));
    }

    private static TraceEntry EntryOf(SiteMessage site) => new()
    {
        Function = site.Function,
        Kind = site.Kind,
        Marking = site.Marking,
        Field = site.Type is null ? null : new FieldDescriptor(new Layout(site.Type), site.Field!, 0, 0, 0, lockClass: null), // They come together.
    };
}
