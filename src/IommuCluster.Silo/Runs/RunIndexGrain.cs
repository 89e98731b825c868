using System.Collections.Immutable;
using IommuCluster.Scenarios.Format;
using IommuCluster.Silo.Hosting;

namespace IommuCluster.Silo.Runs;

/// <summary>The stored state of the index.</summary>
[GenerateSerializer, Alias("iommucluster.run-index")]
internal sealed class RunIndexState
{
    /// <summary>Number of the last run.</summary>
    [Id(0)]
    public long Last { get; set; }

    /// <summary>The runs, the oldest first.</summary>
    [Id(1)]
    public ImmutableArray<string> Runs { get; set; } = [];

    /// <summary>Those that are not known to be over.</summary>
    [Id(2)]
    public ImmutableHashSet<string> Open { get; set; } = [];
}

/// <summary>Takes orders and knows all runs.</summary>
/// <param name="state">What is kept.</param>
/// <param name="orders">Reads orders, so that a bad one is refused at once.</param>
internal sealed class RunIndexGrain([PersistentState("runs", SiloStorage.Name)] IPersistentState<RunIndexState> state, OrderReader orders) : Grain, IRunIndexGrain
{
    /// <summary>Runs under way at most.</summary>
    public const int MaxOpen = 64;

    /// <summary>Runs that are remembered.</summary>
    public const int MaxRuns = 200;

    /// <inheritdoc/>
    public async Task<RunTicket> SubmitAsync(RunOrder order)
    {
        if (Errors(order) is { IsEmpty: false } errors)
        {
            return new RunTicket(Id: null, errors);
        }

        var id = $"run-{++state.State.Last}";
        state.State.Runs = state.State.Runs.Add(id);
        state.State.Open = state.State.Open.Add(id);
        await state.WriteStateAsync(); // First: a run that was begun and is not known would be lost with its silo.
        await GrainFactory.GetGrain<IRunGrain>(id).BeginAsync(order);
        return new RunTicket(id, []);
    }

    /// <inheritdoc/>
    public Task<ImmutableArray<string>> ListAsync() => Task.FromResult<ImmutableArray<string>>([.. state.State.Runs.Reverse()]);

    /// <inheritdoc/>
    public async Task KeepAsync()
    {
        var over = ImmutableHashSet.CreateBuilder<string>();
        foreach (var id in state.State.Open)
        {
            if (await GrainFactory.GetGrain<IRunGrain>(id).WatchAsync(known: -1) is null or { IsOver: true })
            {
                over.Add(id);
            }
        }

        var old = state.State.Runs.Take(Math.Max(0, state.State.Runs.Length - MaxRuns)).Where(id => !state.State.Open.Contains(id)).ToList();
        if (over.Count > 0 || old.Count > 0)
        {
            state.State.Open = state.State.Open.Except(over);
            state.State.Runs = state.State.Runs.RemoveRange(old);
            await state.WriteStateAsync();
            await Task.WhenAll(old.Select(id => GrainFactory.GetGrain<IRunGrain>(id).ForgetAsync()));
        }
    }

    private ImmutableArray<string> Errors(RunOrder order)
    {
        if (state.State.Open.Count >= MaxOpen)
        {
            return [$"{MaxOpen} runs are under way; wait for one to end, or stop one"];
        }

        try
        {
            orders.Read(order);
            return [];
        }
        catch (ScenarioException bad)
        {
            return [.. bad.Diagnostics.Select(each => each.ToString())];
        }
    }
}
