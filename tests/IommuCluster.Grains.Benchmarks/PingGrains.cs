namespace IommuCluster.Grains.Benchmarks;

/// <summary>Answers and does nothing else: the least that a message can cost.</summary>
internal interface IPingGrain : IGrainWithIntegerKey
{
    ValueTask PingAsync();
}

/// <summary>Pings another grain, one call after the other, as a thread takes its steps.</summary>
internal interface IPingerGrain : IGrainWithIntegerKey
{
    Task RunAsync(int calls);
}

[Orleans.Placement.PreferLocalPlacement]
internal sealed class PingGrain : Grain, IPingGrain
{
    public ValueTask PingAsync() => ValueTask.CompletedTask;
}

/// <summary>On a silo by the hash of its number; what it pings is beside it, as a SoC's grains are.</summary>
[Orleans.Placement.HashBasedPlacement]
internal sealed class PingerGrain : Grain, IPingerGrain
{
    public async Task RunAsync(int calls)
    {
        var other = GrainFactory.GetGrain<IPingGrain>(this.GetPrimaryKeyLong());
        for (var call = 0; call < calls; call++)
        {
            await other.PingAsync();
        }
    }
}
