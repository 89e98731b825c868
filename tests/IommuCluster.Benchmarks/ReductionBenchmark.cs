using System.Globalization;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Benchmarks;

/// <summary>Searches against brute force on random programs: the same final states and findings, and how much is saved.</summary>
internal sealed class ReductionBenchmark(int count) : IBenchmark
{
    private const int Limit = 5_000;

    private static readonly RuntimeOptions s_hashing = new() { StateHashing = true };

    /// <inheritdoc/>
    public string Verb => "reduction";

    /// <inheritdoc/>
    public string Summary => "searches against brute force on random programs, so many of each kind";

    /// <inheritdoc/>
    public void Run()
    {
        Compare("random", RandomPrograms.Of);
        Compare("wide random", RandomPrograms.Wide);
        Compare("locked random", RandomPrograms.Locked);
        Compare("calling random", RandomPrograms.Calling);
    }

    private void Compare(string name, Func<ulong, Workload> program)
    {
        var dpor = new Tally("dpor");
        var lazy = new Tally("lazy-dpor");
        var states = new Tally("states");
        var (compared, schedules) = (0, 0L);
        for (var seed = 0UL; seed < (ulong)count; seed++)
        {
            var all = Explore.With(new EveryInterleaving(), program(seed), limit: Limit);
            if (!all.IsComplete)
            {
                continue;
            }

            compared++;
            schedules += all.Schedules;
            dpor.Add(seed, all, Explore.With(new SourceDpor(), program(seed)));
            lazy.Add(seed, all, Explore.With(new SourceDpor(isLazy: true), program(seed)));
            states.Add(seed, all, Explore.With(new StateSearch(), program(seed), s_hashing));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {compared:N0} of {count:N0} programs compared, {schedules:N0} schedules by brute force"));
        Console.WriteLine(dpor);
        Console.WriteLine(lazy);
        Console.WriteLine(states);
    }

    /// <summary>What a search did on all programs, and on which it differs.</summary>
    private sealed class Tally(string name)
    {
        private readonly List<ulong> _states = [];
        private readonly List<ulong> _findings = [];
        private readonly List<ulong> _races = [];
        private long _schedules;

        public void Add(ulong seed, Explored all, Explored searched)
        {
            _schedules += searched.Schedules;
            Note(_states, seed, all.StatesAtRest.SetEquals(searched.StatesAtRest));
            Note(_findings, seed, all.Consequences.SequenceEqual(searched.Consequences));
            Note(_races, seed, all.Races.SequenceEqual(searched.Races));
        }

        /// <inheritdoc/>
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"  {name,-10}{_schedules,12:N0} schedules; differ in final states: {Of(_states)}; in consequences: {Of(_findings)}; in races: {Of(_races)}");

        private static void Note(List<ulong> seeds, ulong seed, bool isSame)
        {
            if (!isSame)
            {
                seeds.Add(seed);
            }
        }

        private static string Of(List<ulong> seeds) =>
            seeds.Count == 0 ? "none" : $"{seeds.Count} ({string.Join(", ", seeds.Take(8))}{(seeds.Count > 8 ? ", ..." : string.Empty)})";
    }
}
