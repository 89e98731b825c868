using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

/// <summary>Holds searches against every interleaving of small programs.</summary>
internal static class BruteForce
{
    /// <summary>Schedules that running them all may take.</summary>
    internal const int Limit = 5_000;

    /// <summary>Compares final states, consequences and races, and fails where they differ.</summary>
    /// <param name="program">The program.</param>
    /// <param name="search">A new search.</param>
    /// <param name="options">How its schedules are run.</param>
    /// <param name="seesAllRaces">False for a search that may miss races, but must not make any up.</param>
    /// <returns>What both saw, or null when there are too many schedules to run them all.</returns>
    internal static (Explored All, Explored Searched)? Compare(Workload program, IStrategy search, RuntimeOptions? options = null, bool seesAllRaces = true)
    {
        var all = Explore.With(new EveryInterleaving(), program, limit: Limit);
        if (!all.IsComplete)
        {
            return null;
        }

        var searched = Explore.With(search, program, options);
        var both = $"{program.Name}: {all.StatesAtRest.Count} states, {all} / {searched.StatesAtRest.Count} states, {searched}";
        Assert.True(searched.IsComplete, both);
        Assert.True(all.StatesAtRest.SetEquals(searched.StatesAtRest), both);
        Assert.True(all.Consequences.SequenceEqual(searched.Consequences), both);
        Assert.True(seesAllRaces ? all.Races.SequenceEqual(searched.Races) : searched.Races.All(all.Races.Contains), both);
        return (all, searched);
    }
}
