namespace IommuCluster.Boards;

/// <summary>Finds the word that somebody probably meant.</summary>
internal static class Nearest
{
    private const int MaxLength = 64;
    private const int MaxCandidates = 1_024;

    /// <summary>The known word at most a third of the word's letters away; null when none is.</summary>
    internal static string? To(string word, IEnumerable<string> known)
    {
        var (best, distance) = (default(string), Math.Max(1, word.Length / 3) + 1);
        if (word.Length > MaxLength)
        {
            return null;
        }

        foreach (var candidate in known.Take(MaxCandidates).Where(candidate => candidate.Length <= MaxLength))
        {
            if (Math.Abs(candidate.Length - word.Length) >= distance)
            {
                continue;
            }

            var d = Distance(word, candidate);
            if (d < distance)
            {
                (best, distance) = (candidate, d);
            }
        }

        return best;
    }

    // Levenshtein, one row at a time.
    private static int Distance(string a, string b)
    {
        Span<int> row = stackalloc int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substitute, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
