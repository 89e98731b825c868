using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Runtime;

/// <summary>Data races as findings. What was made for a pair of accesses is given again for the next such pair: most races are met in each schedule.</summary>
internal sealed class RaceFindings
{
    private readonly Dictionary<Site, Finding> _made = new(SiteComparer.Instance);

    /// <summary>Two accesses that race, as a finding that is made once.</summary>
    /// <param name="first">The one that came first.</param>
    /// <param name="second">The other.</param>
    /// <returns>The finding.</returns>
    public Finding Of(in TraceEntry first, in TraceEntry second)
    {
        var site = new Site(first.Function, second.Function, first.Field ?? second.Field, AccessOf(first), AccessOf(second));
        if (!_made.TryGetValue(site, out var finding))
        {
            _made.Add(site, finding = Make(first, second));
        }

        return finding;
    }

    /// <summary>Two accesses that race, as a finding.</summary>
    /// <param name="first">The one that came first.</param>
    /// <param name="second">The other.</param>
    /// <returns>The finding.</returns>
    public static Finding Make(in TraceEntry first, in TraceEntry second)
    {
        // The pair is one finding in whichever order it was met.
        var inOrder = string.CompareOrdinal(first.Function, second.Function) <= 0;
        var field = first.Field ?? second.Field;
        return new Finding(
            FindingKind.DataRace,
            inOrder ? first.Function : second.Function,
            field?.Layout.Name ?? string.Empty,
            field?.Name ?? string.Empty,
            inOrder ? second.Function : first.Function,
            $"data-race on {field?.ToString() ?? "freed object"}: {Describe(first)} / {Describe(second)}");
    }

    private static int AccessOf(in TraceEntry entry) => ((int)entry.Kind << 8) | (int)entry.Marking;

    private static string Describe(in TraceEntry entry) =>
        $"{entry.Kind.ToString().ToLowerInvariant()}{(entry.Marking == Marking.Plain ? string.Empty : $" ({entry.Marking.ToString().ToLowerInvariant()})")} in {entry.Function}";

    /// <summary>All that the text of a race tells, so that it is the same whatever ran before.</summary>
    private readonly record struct Site(string First, string Second, FieldDescriptor? Field, int FirstAccess, int SecondAccess);

    private sealed class SiteComparer : IEqualityComparer<Site>
    {
        public static readonly SiteComparer Instance = new();

        public bool Equals(Site x, Site y) =>
            ReferenceEquals(x.First, y.First) && ReferenceEquals(x.Second, y.Second) && ReferenceEquals(x.Field, y.Field)
            && x.FirstAccess == y.FirstAccess && x.SecondAccess == y.SecondAccess;

        public int GetHashCode(Site site) => unchecked(
            (((((site.First.Length * 31) + site.Second.Length) * 31) + (site.Field?.Word ?? -1)) * 31) + (site.FirstAccess * 7) + site.SecondAccess);
    }
}
