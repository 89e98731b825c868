namespace IommuCluster.Grains.Contracts;

/// <summary>Answers and does nothing else: the least that a message between grains can cost.</summary>
[Alias("iommucluster.IPingGrain")]
internal interface IPingGrain : IGrainWithIntegerKey
{
    /// <summary>Does nothing.</summary>
    /// <returns>Completes at once.</returns>
    [Alias("ping")]
    ValueTask PingAsync();
}

/// <summary>Pings the grain of the same number, one call after the other, as a thread takes its steps.</summary>
[Alias("iommucluster.IPingerGrain")]
internal interface IPingerGrain : IGrainWithIntegerKey
{
    /// <summary>Pings.</summary>
    /// <param name="calls">How often.</param>
    /// <returns>Completes with the last answer.</returns>
    [Alias("run")]
    Task RunAsync(int calls);
}
