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

    /// <summary>As <see cref="Dpor"/>, but critical sections of one lock that touch different words may come in any order.</summary>
    public const string LazyDpor = "lazy-dpor";

    /// <summary>Samples in several ways and prefers what finds something new.</summary>
    public const string Portfolio = "portfolio";

    /// <summary>Meets racing pairs in the other order; a part of the portfolio, which tells it the pairs.</summary>
    internal const string Flip = "flip";

    /// <summary>All names.</summary>
    public static ImmutableArray<string> Names { get; } = [Random, States, Deepening, Dpor, LazyDpor, Pct, Pos, Delay, Portfolio];

    /// <summary>Tells whether a strategy has an end of its own, so that it needs no budget.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>True for searches, false for samplers.</returns>
    public static bool Ends(string name) => name is States or Deepening or Dpor or LazyDpor;

    /// <summary>Tells whether a strategy is a search that one worker does at a time, because it rests on all that it knows: it is handed on from shard to shard.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>False for samplers, and for a search that remembers nothing, which any number of workers share.</returns>
    public static bool IsOfOneMind(string name) => Ends(name) && name != Dpor;

    /// <summary>Tells whether a strategy looks at <see cref="DeterministicRuntime.StateKey"/>.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <returns>True for searches over states.</returns>
    public static bool HashesStates(string name) => name is States or Deepening;

    /// <summary>The samplers that a name stands for.</summary>
    /// <param name="name">One of <see cref="Names"/> that does not end.</param>
    /// <returns>The sampler itself, or the members of the portfolio.</returns>
    public static ImmutableArray<string> SamplersOf(string name) => name == Portfolio ? [Pos, Random, Pct, Delay] : [name];

    /// <summary>Makes a sampler.</summary>
    /// <param name="name">One of <see cref="SamplersOf"/>.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="length">The most choices that a schedule is known to have; 0 when nobody knows.</param>
    /// <returns>The sampler.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no sampler of that name.</exception>
    public static IStrategy CreateSampler(string name, ulong seed, int length = 0) => name switch
    {
        Random => new RandomWalk(seed),
        Pct => new ProbabilisticConcurrencyTesting(seed) { Length = length },
        Pos => new PartialOrderSampling(seed),
        Delay => new DelaySampling(seed) { Length = length },
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, $"Samplers are {Random}, {Pct}, {Pos} and {Delay}."),
    };

    /// <summary>Makes a search.</summary>
    /// <param name="name">A name that ends.</param>
    /// <param name="contextBound">Preemptions that it allows, or null for all.</param>
    /// <returns>The search.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no search of that name.</exception>
    public static ISearch CreateSearch(string name, int? contextBound = null) => name switch
    {
        Dpor => new SourceDpor(),
        LazyDpor => new SourceDpor(isLazy: true),
        States => new StateSearch(contextBound),
        Deepening => new DeepeningSearch(),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, $"Searches are {States}, {Deepening}, {Dpor} and {LazyDpor}."),
    };
}
