using System.Collections.Immutable;
using System.Numerics;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): threads have random priorities, the highest runs, and
/// at d - 1 random places the one that would run falls below all others. A bug of depth d shows with a probability of at
/// least 1 / (n k^(d-1)), k being the number of choices in a schedule (where only one thread can run, no place is lost). k
/// is the largest seen so far, so that a schedule is a function of the seed, its number and that length.
/// </summary>
public sealed class ProbabilisticConcurrencyTesting : IStrategy
{
    private const int GuessedLength = 64;

    private readonly ulong _seed;
    private readonly ImmutableArray<int> _depths;
    private readonly long[] _priorities = new long[64];
    private readonly int[] _drawnFor = new int[64];
    private readonly List<int> _changes = [];
    private SplitMix64 _random;
    private int _choices;
    private int _next;

    /// <summary>Makes a strategy.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="depths">Bug depths, each at least 1, taken by schedules in turn; 2, 3, 5 and 10 when none is given.</param>
    public ProbabilisticConcurrencyTesting(ulong seed, params ReadOnlySpan<int> depths)
    {
        foreach (var depth in depths)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1, nameof(depths));
        }

        _seed = seed;
        _depths = depths.IsEmpty ? [2, 3, 5, 10] : [.. depths];
    }

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Pct;

    /// <summary>The estimate of how many choices a schedule has: the most that one had so far.</summary>
    public int Length { get; internal set; }

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _random = SplitMix64.OfSchedule(_seed, number);
        Array.Fill(_drawnFor, -1);
        _choices = 0;
        _next = 0;
        _changes.Clear();
        // The depth is told by the generator, too: a portfolio does not hand out its numbers evenly.
        var depth = _depths[_random.Below(_depths.Length)];
        for (var i = 1; i < depth; i++)
        {
            _changes.Add(_random.Below(Length == 0 ? GuessedLength : Length));
        }

        _changes.Sort();
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        var number = _choices++;
        var best = Highest(choice);
        for (; _next < _changes.Count && _changes[_next] <= number; _next++)
        {
            _priorities[best] = -1 - _next; // Each change falls below those before it.
            best = Highest(choice);
        }

        return best;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end) => Length = Math.Max(Length, _choices);

    private int Highest(in Choice choice)
    {
        var best = -1;
        for (var enabled = choice.Enabled; enabled != 0; enabled &= enabled - 1)
        {
            var slot = BitOperations.TrailingZeroCount(enabled);
            var id = choice.Runtime.Thread(slot).Id;
            if (_drawnFor[slot] != id)
            {
                _drawnFor[slot] = id;
                _priorities[slot] = (long)(_random.Next() >> 1);
            }

            if (best < 0 || _priorities[slot] > _priorities[best])
            {
                best = slot;
            }
        }

        return best;
    }
}
