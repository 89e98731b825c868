using System.Numerics;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Delay-bounded scheduling (Emmi, Qadeer, Rakamarić, POPL 2011), sampled: threads in a random order, each runs until it
/// waits or ends, then the next one round; at a few random places the one that would run is passed over. The places are
/// drawn from the largest number of choices seen so far, so that a schedule is a function of the seed, its number and that length.
/// </summary>
public sealed class DelaySampling : IStrategy
{
    private const int GuessedLength = 64;

    private readonly ulong _seed;
    private readonly int _bound;
    private readonly List<int> _delays = [];
    private readonly ulong[] _ranks = new ulong[64];
    private readonly int[] _drawnFor = new int[64];
    private SplitMix64 _random;
    private int _current;
    private int _choices;
    private int _next;

    /// <summary>Makes a strategy.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="bound">The most delays of a schedule, at least 1; each has between 1 and so many.</param>
    public DelaySampling(ulong seed, int bound = 4)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        _seed = seed;
        _bound = bound;
    }

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Delay;

    /// <summary>The estimate of how many choices a schedule has: the most that one had so far.</summary>
    public int Length { get; internal set; }

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _random = SplitMix64.OfSchedule(_seed, number);
        Array.Fill(_drawnFor, -1);
        _current = -1;
        _choices = 0;
        _next = 0;
        _delays.Clear();
        for (var left = 1 + _random.Below(_bound); left > 0; left--)
        {
            _delays.Add(_random.Below(Length == 0 ? GuessedLength : Length));
        }

        _delays.Sort();
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        var number = _choices++;
        DrawRanks(choice);
        if (choice.Current >= 0)
        {
            _current = choice.Current; // Somebody may have run because nobody else could.
        }

        if (_current < 0 || (choice.Enabled >> _current & 1) == 0)
        {
            _current = NextRound(choice.Enabled);
        }

        for (; _next < _delays.Count && _delays[_next] <= number; _next++)
        {
            _current = NextRound(choice.Enabled);
        }

        return _current;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end) => Length = Math.Max(Length, _choices);

    private void DrawRanks(in Choice choice)
    {
        for (var enabled = choice.Enabled; enabled != 0; enabled &= enabled - 1)
        {
            var slot = BitOperations.TrailingZeroCount(enabled);
            var id = choice.Runtime.Thread(slot).Id;
            if (_drawnFor[slot] != id)
            {
                _drawnFor[slot] = id;
                _ranks[slot] = _random.Next();
            }
        }
    }

    /// <summary>The next one above the present rank, else the lowest.</summary>
    private int NextRound(ulong among)
    {
        var lowest = -1;
        var next = -1;
        for (; among != 0; among &= among - 1)
        {
            var slot = BitOperations.TrailingZeroCount(among);
            if (lowest < 0 || _ranks[slot] < _ranks[lowest])
            {
                lowest = slot;
            }

            if (_current >= 0 && _ranks[slot] > _ranks[_current] && (next < 0 || _ranks[slot] < _ranks[next]))
            {
                next = slot;
            }
        }

        return next >= 0 ? next : lowest;
    }
}
