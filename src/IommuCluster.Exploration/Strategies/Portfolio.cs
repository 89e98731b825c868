using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Several samplers in turn, in rounds of fixed length. After each round effort moves towards those that showed new
/// behaviour: findings, racing pairs in an order not seen before, lock-order pairs. Half of it is always shared evenly,
/// because what finds much that is shallow may never find what is rare. Deterministic: same seed, same schedules; one of
/// them alone needs those before it, as they decide whose turn it is.
/// </summary>
public sealed class Portfolio : IStrategy
{
    /// <summary>Schedules of a round.</summary>
    public const int RoundLength = 64;

    private const int Evenly = RoundLength / 2;

    private readonly IStrategy[] _members;
    private readonly double[] _gains;
    private readonly int[] _shares;
    private readonly int[] _left;
    private readonly int[] _news;
    private readonly HashSet<Finding> _findings = new(SameFinding.Instance);
    private readonly HashSet<RaceOrder> _orders = [];
    private DeterministicRuntime? _runtime;
    private int _inRound;
    private int _turn;

    /// <summary>Makes the usual portfolio: partial order sampling, random walk, PCT of mixed depth, delays.</summary>
    /// <param name="seed">Seed of the run.</param>
    public Portfolio(ulong seed)
        : this([new PartialOrderSampling(seed), new RandomWalk(seed), new ProbabilisticConcurrencyTesting(seed), new DelaySampling(seed)])
    {
    }

    internal Portfolio(ImmutableArray<IStrategy> members)
    {
        _members = [.. members];
        _gains = new double[_members.Length];
        _shares = new int[_members.Length];
        _left = new int[_members.Length];
        _news = new int[_members.Length];
        Share();
    }

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Portfolio;

    /// <summary>Schedules of the present round by member.</summary>
    internal ImmutableArray<(string Member, int Schedules)> Shares => [.. _members.Select((member, i) => (member.Name, _shares[i]))];

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        if (_inRound == RoundLength)
        {
            EndRound();
        }

        // Turn and turn about among those who have schedules left.
        do
        {
            _turn = (_turn + 1) % _members.Length;
        }
        while (_left[_turn] == 0);

        _left[_turn]--;
        _inRound++;
        _runtime = null;
        return _members[_turn].BeginSchedule(number);
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        _runtime = choice.Runtime;
        return _members[_turn].Choose(choice);
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        _members[_turn].EndSchedule(end);
        if (_runtime is not { } runtime)
        {
            return; // Nobody had a choice.
        }

        var news = runtime.Lockdep is { SawNewEdge: true } ? 1 : 0;
        foreach (var sighting in runtime.Sightings)
        {
            news += _findings.Add(sighting.Finding) ? 1 : 0;
            if (sighting.Finding.IsRace && sighting.OtherStep >= 0)
            {
                news += _orders.Add(RaceOrder.Of(runtime.Trace[sighting.OtherStep], runtime.Trace[sighting.Step])) ? 1 : 0;
            }
        }

        _news[_turn] += news;
    }

    private void EndRound()
    {
        for (var i = 0; i < _members.Length; i++)
        {
            // New behaviour a schedule; what was learnt long ago counts less and less.
            _gains[i] = (_gains[i] / 2) + ((double)_news[i] / _shares[i]);
            _news[i] = 0;
        }

        Share();
    }

    private void Share()
    {
        var total = _gains.Sum();
        var given = 0;
        for (var i = 0; i < _members.Length; i++)
        {
            _shares[i] = (Evenly / _members.Length) + (total > 1e-6 ? (int)((RoundLength - Evenly) * _gains[i] / total) : (RoundLength - Evenly) / _members.Length);
            given += _shares[i];
        }

        // What rounding left over goes to the first ones.
        for (var i = 0; given < RoundLength; i = (i + 1) % _members.Length, given++)
        {
            _shares[i]++;
        }

        _shares.CopyTo(_left, 0);
        _inRound = 0;
    }

    /// <summary>A racing pair in the order in which it was met.</summary>
    private readonly record struct RaceOrder(string First, StepKind FirstKind, string Second, StepKind SecondKind, FieldDescriptor? Field)
    {
        public static RaceOrder Of(in TraceEntry first, in TraceEntry second) => new(first.Function, first.Kind, second.Function, second.Kind, first.Field ?? second.Field);
    }
}
