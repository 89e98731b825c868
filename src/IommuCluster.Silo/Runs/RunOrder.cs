using System.Collections.Immutable;

namespace IommuCluster.Silo.Runs;

/// <summary>
/// What to run. Exactly one of <see cref="Boots"/>, <see cref="Socs"/>, <see cref="Schedules"/> and <see cref="Replay"/> says
/// how; with none of them every case is explored as its file says. <see cref="Time"/> goes with all but a replay.
/// </summary>
[GenerateSerializer, Immutable, Alias("iommucluster.run-order")]
public sealed record RunOrder
{
    /// <summary>Name of a scenario that the cluster has; with <see cref="Text"/>, what that is called. Not needed for a replay.</summary>
    [Id(0)]
    public string? Scenario { get; init; }

    /// <summary>A scenario's YAML, at most 512 KiB; its board is named, not a path.</summary>
    [Id(1)]
    public string? Text { get; init; }

    /// <summary>The case (<c>name</c> or <c>name@profile</c>); null for all of the scenario.</summary>
    [Id(2)]
    public string? Case { get; init; }

    /// <summary>Boots of each case at most, by free concurrency on grains; they end earlier once all that is expected was seen.</summary>
    [Id(3)]
    public long? Boots { get; init; }

    /// <summary>Schedules of each case, explored in the silos' own processes by the case's strategy.</summary>
    [Id(4)]
    public long? Schedules { get; init; }

    /// <summary>Seed of random choices; null for that of the file. Free concurrency has none.</summary>
    [Id(5)]
    public ulong? Seed { get; init; }

    /// <summary>A token to replay on grains, step by step.</summary>
    [Id(6)]
    public string? Replay { get; init; }

    /// <summary>SoCs of each case, booted by free concurrency, many at a time: all of them, whatever is seen.</summary>
    [Id(7)]
    public long? Socs { get; init; }

    /// <summary>The budget in time of each case (<c>90s</c>, <c>5m</c>): what has begun when it is used up is finished and counts. Alone, it replaces the file's budget.</summary>
    [Id(8)]
    public string? Time { get; init; }
}

/// <summary>What became of an order.</summary>
/// <param name="Id">The run's id, or null when the order was refused.</param>
/// <param name="Errors">Why it was refused, a line each: what, where, how to mend it; empty when it was not.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.run-ticket")]
public sealed record RunTicket([property: Id(0)] string? Id, [property: Id(1)] ImmutableArray<string> Errors);
