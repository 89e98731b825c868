using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Runs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace IommuCluster.Silo.Tests.Support;

/// <summary>Silos in this process that do runs, over a storage that outlives each of them. A dead one is found out within seconds.</summary>
internal sealed class RunCluster : IAsyncDisposable
{
    /// <summary>Tests that start clusters do so one after the other: each has enough to do with its own silos.</summary>
    internal const string Collection = "clusters of silos";

    private readonly ConcurrentDictionary<string, (byte[] State, long Version)> _rows = new(StringComparer.Ordinal);
    private readonly DoomedSocs _doomed = new();
    private readonly InProcessTestCluster _cluster;

    private RunCluster(short silos)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.AddRuns(Toy.Orders);
            silo.AddIncomingGrainCallFilter(_doomed);
            silo.Services.AddSingleton(new SiloSettings());
            silo.Services.AddKeyedSingleton<IGrainStorage>(SiloStorage.Name, (services, _) => new SharedStorage(services.GetRequiredService<Serializer>(), _rows));
            silo.Configure<ClusterMembershipOptions>(options => options.TableRefreshTimeout = TimeSpan.FromSeconds(1)); // The dead are in the table at once; probes are as patient as ever.
        });
        _cluster = builder.Build();
    }

    /// <summary>Starts a cluster.</summary>
    internal static async Task<RunCluster> StartAsync(short silos)
    {
        var cluster = new RunCluster(silos);
        await cluster._cluster.DeployAsync();
        return cluster;
    }

    /// <summary>Orders a run.</summary>
    internal async Task<IRunGrain> SubmitAsync(RunOrder order)
    {
        var ticket = await _cluster.Client.GetGrain<IRunIndexGrain>(0).SubmitAsync(order);
        Assert.Empty(ticket.Errors);
        return _cluster.Client.GetGrain<IRunGrain>(ticket.Id!); // Set where there is no error.
    }

    /// <summary>Orders a run and, once something of it is done, kills a silo as a power cut would: the one that has the run, or another.</summary>
    /// <returns>How far the run was before, and its end, which a lost silo does not keep it from.</returns>
    internal async Task<(RunStatus Before, RunStatus End)> RunWhileASiloIsKilledAsync(RunOrder order, bool killsTheCoordinator)
    {
        var run = await SubmitAsync(order);
        var before = await run.WatchAsync(status => status.Cases[0].Done > 0);
        return (before, await KillAsync(run, before, await ChooseAsync(run, killsTheCoordinator)));
    }

    /// <summary>Orders many SoCs and kills a silo while some of them are on it: the one that has the run, or another.</summary>
    /// <returns>The run's end, which a lost silo does not keep it from.</returns>
    internal async Task<RunStatus> BootWhileASiloIsKilledAsync(RunOrder order, bool killsTheCoordinator)
    {
        var run = await SubmitAsync(order);
        var silo = await ChooseAsync(run, killsTheCoordinator);
        _doomed.Doom(silo.SiloAddress);
        return await KillAsync(run, await run.StandStillAsync(), silo);
    }

    private async Task<InProcessSiloHandle> ChooseAsync(IRunGrain run, bool isTheCoordinator)
    {
        var coordinator = await _cluster.Client.GetGrain<IManagementGrain>(0).GetActivationAddress(run);
        return _cluster.Silos.First(silo => silo.SiloAddress.Equals(coordinator) == isTheCoordinator);
    }

    private async Task<RunStatus> KillAsync(IRunGrain run, RunStatus before, InProcessSiloHandle silo)
    {
        Assert.False(before.IsOver);
        await _cluster.KillSiloAsync(silo);
        var end = await run.EndAsync();
        Assert.Equal((RunPhase.Completed, null), (end.Phase, end.Error));
        return end;
    }

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    /// <summary>A database in miniature: rows that all silos see, and a version that catches who writes over another's.</summary>
    private sealed class SharedStorage(Serializer serializer, ConcurrentDictionary<string, (byte[] State, long Version)> rows) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            grainState.RecordExists = rows.TryGetValue(KeyOf(stateName, grainId), out var row);
            grainState.ETag = grainState.RecordExists ? $"{row.Version}" : null;
            grainState.State = grainState.RecordExists ? serializer.Deserialize<T>(row.State) : Activator.CreateInstance<T>();
            return Task.CompletedTask;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            var next = (serializer.SerializeToArray(grainState.State), Version: rows.TryGetValue(KeyOf(stateName, grainId), out var row) ? row.Version + 1 : 1);
            var known = row.State is null ? null : $"{row.Version}";
            if (known != grainState.ETag || !(row.State is null ? rows.TryAdd(KeyOf(stateName, grainId), next) : rows.TryUpdate(KeyOf(stateName, grainId), next, row)))
            {
                throw new InconsistentStateException("another silo wrote it", known, grainState.ETag);
            }

            (grainState.ETag, grainState.RecordExists) = ($"{next.Version}", true);
            return Task.CompletedTask;
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            rows.TryRemove(KeyOf(stateName, grainId), out _);
            (grainState.ETag, grainState.RecordExists) = (null, false);
            return Task.CompletedTask;
        }

        private static string KeyOf(string stateName, GrainId grainId) => $"{stateName}/{grainId}";
    }
}

/// <summary>Runs as tests watch them.</summary>
internal static class Watching
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Watches a run until it is as wanted, through the loss of silos.</summary>
    internal static async Task<RunStatus> WatchAsync(this IRunGrain run, Func<RunStatus, bool> isWanted, [CallerArgumentExpression(nameof(isWanted))] string wanted = "")
    {
        using var patience = new System.Threading.CancellationTokenSource(s_patience);
        RunStatus? status = null;
        while (status is null || !(isWanted(status) || status.IsOver))
        {
            Assert.False(patience.IsCancellationRequested, $"{wanted} did not come to be: {status} {status?.Cases[0]}");
            status = await AskAsync(run, status?.Version ?? -1) ?? status;
        }

        return status;
    }

    /// <summary>Watches a run to its end.</summary>
    internal static Task<RunStatus> EndAsync(this IRunGrain run) => run.WatchAsync(status => status.IsOver);

    /// <summary>Watches a run until nothing new comes of it, which whoever watches is told after a few seconds.</summary>
    internal static Task<RunStatus> StandStillAsync(this IRunGrain run)
    {
        var seen = new HashSet<long>();
        return run.WatchAsync(status => !seen.Add(status.Version));
    }

    private static async Task<RunStatus?> AskAsync(IRunGrain run, long known)
    {
        try
        {
            return await run.WatchAsync(known);
        }
        catch (Exception away) when (away is OrleansException or TimeoutException)
        {
            return null; // Its silo is dead, and nobody knows it yet.
        }
    }
}
