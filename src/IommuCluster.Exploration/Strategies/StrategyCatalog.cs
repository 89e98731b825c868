using System.Collections.Immutable;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>The strategies by the names that people type. Adding one is one file and one line here.</summary>
public static class StrategyCatalog
{
    /// <summary>Searches states; can end with a proof.</summary>
    public const string States = "states";

    /// <summary>Walks at random.</summary>
    public const string Random = "random";

    /// <summary>Changes random priorities at a few random places.</summary>
    public const string Pct = "pct";

    /// <summary>Samples the orders of conflicting steps.</summary>
    public const string Pos = "pos";

    /// <summary>Passes threads over at a few random places.</summary>
    public const string Delay = "delay";

    /// <summary>Searches states with ever more preemptions; whenever it is stopped, something is proved.</summary>
    public const string Deepening = "deepening";

    /// <summary>Runs one schedule of each class that differs in the order of dependent steps; can end with a proof.</summary>
    public const string Dpor = "dpor";

    /// <summary>Samples in several ways and prefers what finds something new.</summary>
    public const string Portfolio = "portfolio";

    /// <summary>All names.</summary>
    public static ImmutableArray<string> Names { get; } = [Random, States, Deepening, Dpor, Pct, Pos, Delay, Portfolio];

    /// <summary>Tells whether a strategy has an end of its own, so that it needs no budget.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>True for searches, false for samplers.</returns>
    public static bool Ends(string name) => name is States or Deepening or Dpor;

    /// <summary>Makes a strategy.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="seed">Seed of the run; not used by searches.</param>
    /// <param name="contextBound">Preemptions that a search allows, or null for all; not used by walks.</param>
    /// <returns>The strategy.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no strategy of that name.</exception>
    public static IStrategy Create(string name, ulong seed, int? contextBound) => name switch
    {
        Random => new RandomWalk(seed),
        Pct => new ProbabilisticConcurrencyTesting(seed),
        Pos => new PartialOrderSampling(seed),
        Delay => new DelaySampling(seed),
        Dpor => new SourceDpor(),
        Portfolio => new Portfolio(seed),
        States => new StateSearch(contextBound),
        Deepening => new DeepeningSearch(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, $"Known are {string.Join(", ", Names)}."),
    };
}
