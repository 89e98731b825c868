using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>
/// Decides which steps of a schedule a reader needs. With an object in hand: what is done to it and to the words that
/// point to it. Without: what one thread does to a word that another one touches, too.
/// </summary>
internal static class Relevance
{
    /// <summary>Marks the steps.</summary>
    /// <param name="trace">The schedule.</param>
    /// <param name="sighting">The finding.</param>
    /// <param name="needed">Steps that the report names; negative ones are passed over.</param>
    /// <param name="sought">The object concerned, or NULL.</param>
    /// <returns>One mark a step.</returns>
    internal static bool[] Mark(Trace trace, Sighting sighting, ReadOnlySpan<int> needed, Address sought)
    {
        var marks = new bool[trace.Count];
        var words = sought.IsNull ? SharedWords(trace) : WordsAround(trace, sought);
        for (var step = 0; step < trace.Count; step++)
        {
            ref readonly var entry = ref trace[step];
            marks[step] = entry.Fault != FaultKind.None
                || (IsAccess(entry.Kind) && words.Contains(Origins.WordOf(entry)))
                || (!sought.IsNull && entry.Kind is StepKind.Allocate or StepKind.Free && entry.Base.IsObject && entry.Base.Object == sought);
        }

        foreach (var step in needed)
        {
            if (step >= 0)
            {
                marks[step] = true;
            }
        }

        if (sighting.Step >= 0 && sighting.Step < marks.Length)
        {
            marks[sighting.Step] = true;
        }

        return marks;
    }

    private static bool IsAccess(StepKind kind) => kind is not (StepKind.Allocate or StepKind.Free or StepKind.Spawn or StepKind.Sleep
        or StepKind.RcuReadLock or StepKind.RcuReadUnlock or StepKind.SynchronizeRcu);

    /// <summary>The object's words, and every word that held its address at some time.</summary>
    private static HashSet<ulong> WordsAround(Trace trace, Address sought)
    {
        var words = new HashSet<ulong>();
        for (var step = 0; step < trace.Count; step++)
        {
            ref readonly var entry = ref trace[step];
            if (!IsAccess(entry.Kind))
            {
                continue;
            }

            var isOfObject = entry.Base.IsObject && entry.Base.Object == sought;
            var pointsToIt = entry.Kind is StepKind.Load or StepKind.Store or StepKind.Exchange or StepKind.CompareExchange && (entry.Value == sought.Value || entry.Result == sought.Value);
            if (isOfObject || pointsToIt)
            {
                words.Add(Origins.WordOf(entry));
            }
        }

        return words;
    }

    /// <summary>The words that one thread writes and another one touches.</summary>
    private static HashSet<ulong> SharedWords(Trace trace)
    {
        var users = new Dictionary<ulong, (int Thread, bool Written, bool Shared)>();
        for (var step = 0; step < trace.Count; step++)
        {
            ref readonly var entry = ref trace[step];
            if (!IsAccess(entry.Kind) || entry.Field is null)
            {
                continue;
            }

            var word = Origins.WordOf(entry);
            var use = users.GetValueOrDefault(word, (Thread: entry.Thread, Written: false, Shared: false));
            users[word] = (use.Thread, use.Written || entry.Kind != StepKind.Load, use.Shared || use.Thread != entry.Thread);
        }

        return [.. users.Where(pair => pair.Value is { Written: true, Shared: true }).Select(pair => pair.Key)];
    }
}
