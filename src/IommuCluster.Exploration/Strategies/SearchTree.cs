namespace IommuCluster.Exploration.Strategies;

/// <summary>What searches have in common.</summary>
internal static class SearchTree
{
    /// <summary>Estimates how much of a search tree is done.</summary>
    /// <param name="path">From the root to the present place: branches of each choice, and how many of them are done.</param>
    /// <returns>0 to 1.</returns>
    public static double Progress(IEnumerable<(int Branches, int Done)> path)
    {
        var (weight, progress) = (1.0, 0.0);
        foreach (var (branches, done) in path)
        {
            weight /= Math.Max(1, branches);
            progress += weight * done;
        }

        return Math.Min(1, progress);
    }

    /// <summary>Writes what kind of search follows.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="kind">Name and arguments.</param>
    public static void WriteKind(BinaryWriter writer, string kind) => writer.Write(kind);

    /// <summary>Checks what kind of search follows.</summary>
    /// <param name="reader">Where from.</param>
    /// <param name="kind">Name and arguments that there must be.</param>
    /// <exception cref="InvalidDataException">There is something else.</exception>
    public static void ReadKind(BinaryReader reader, string kind)
    {
        var found = reader.ReadString();
        if (found != kind)
        {
            throw new InvalidDataException($"The search that was saved is \"{found}\", not \"{kind}\".");
        }
    }
}
