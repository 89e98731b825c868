using System.Collections.Immutable;
using Orleans.Concurrency;

namespace IommuCluster.Silo.Runs;

/// <summary>All runs of the cluster: takes orders, and sees to it that a run goes on whose silo was lost. One grain.</summary>
[Alias("iommucluster.IRunIndexGrain")]
internal interface IRunIndexGrain : IGrainWithIntegerKey
{
    /// <summary>Takes an order.</summary>
    /// <param name="order">The order.</param>
    /// <returns>The run's id, or why the order was refused.</returns>
    [Alias("submit")]
    Task<RunTicket> SubmitAsync(RunOrder order);

    /// <summary>The runs, the newest first.</summary>
    /// <returns>Their ids; those that ended long ago are forgotten.</returns>
    [Alias("list"), ReadOnly]
    Task<ImmutableArray<string>> ListAsync();

    /// <summary>Wakes the runs that are not over.</summary>
    /// <returns>Completes when each was asked.</returns>
    [Alias("keep")]
    Task KeepAsync();
}

/// <summary>A run. Key: its id.</summary>
[Alias("iommucluster.IRunGrain")]
internal interface IRunGrain : IGrainWithStringKey
{
    /// <summary>Begins, unless it has begun already.</summary>
    /// <param name="order">What to run.</param>
    /// <returns>Completes when the order is kept.</returns>
    [Alias("begin")]
    Task BeginAsync(RunOrder order);

    /// <summary>The run as it stands, as soon as it stands otherwise than the caller knows.</summary>
    /// <param name="known">The version that the caller knows; -1 for none.</param>
    /// <returns>The status after a few seconds at most, changed or not; null when there is no such run.</returns>
    [Alias("watch"), ReadOnly]
    Task<RunStatus?> WatchAsync(long known);

    /// <summary>What was asked.</summary>
    /// <returns>The order; null when there is no such run.</returns>
    [Alias("order"), ReadOnly]
    Task<RunOrder?> OrderAsync();

    /// <summary>Asks the run to stop.</summary>
    /// <returns>The status; null when there is no such run.</returns>
    [Alias("stop")]
    Task<RunStatus?> StopAsync();

    /// <summary>Forgets the run.</summary>
    /// <returns>Completes when nothing is kept of it.</returns>
    [Alias("forget")]
    Task ForgetAsync();
}

/// <summary>Does one slice of a run. Key: run, slash, case, slash, its first boot or schedule.</summary>
[Alias("iommucluster.ISliceGrain")]
internal interface ISliceGrain : IGrainWithStringKey
{
    /// <summary>Begins the slice unless it has begun, and waits a moment for its end.</summary>
    /// <param name="slice">The slice.</param>
    /// <returns>How far it is. Once it has ended, it is forgotten here: asked again, it begins anew.</returns>
    [Alias("advance")]
    Task<SliceReply> AdvanceAsync(RunSlice slice);

    /// <summary>Ends it early; what it did so far is its result.</summary>
    /// <returns>Nothing: one way.</returns>
    [Alias("stop"), OneWay]
    Task StopAsync();
}
