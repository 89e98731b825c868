namespace IommuCluster.Grains.Messaging;

/// <summary>
/// How long the grains of a SoC that stays up are kept although nobody asks them: Orleans would take them for idle, and their
/// memory with them. The SoC renews it for all of them, as long as whoever had it booted wants it; so the parts of one that was
/// lost, and the SoC of a client that is gone, do not stay for ever.
/// </summary>
internal static class Tenure
{
    /// <summary>How long a grain stays when nobody renews.</summary>
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(15);

    /// <summary>How often the SoC renews: so that a renewal may fail, and the next one be in time.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromMinutes(5);
}
