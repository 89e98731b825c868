using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Messaging;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Checking;

/// <summary>Puts data races into words: each CPU knows the places of the code that it gave numbers to.</summary>
/// <param name="grains">The cluster.</param>
/// <param name="boot">The boot.</param>
internal sealed class RaceTeller(IGrainFactory grains, string boot)
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
            var sites = await Delivery.AskAsync(() => grains.Cpu(boot, accesses.Key).SitesAsync([.. numbers.Select(access => access.Site)]));
            for (var i = 0; i < numbers.Count; i++)
            {
                entries[numbers[i]] = EntryOf(sites[i]);
            }
        }

        return pairs.Select(pair => FindingMessage.Of(DeterministicRuntime.RaceOf(entries[pair.First], entries[pair.Second])));
    }

    private static TraceEntry EntryOf(SiteMessage site) => new()
    {
        Function = site.Function,
        Kind = site.Kind,
        Marking = site.Marking,
        Field = site.Type is null ? null : new FieldDescriptor(new Layout(site.Type), site.Field!, 0, 0, 0, lockClass: null), // They come together.
    };
}
