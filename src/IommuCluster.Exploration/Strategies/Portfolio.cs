using System.Collections.Immutable;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Shares the schedules of a round among samplers. After each round effort moves towards those that showed new behaviour:
/// findings, racing pairs in an order not seen before, lock-order pairs. Half of it is always shared evenly, because what
/// finds much that is shallow may never find what is rare. Between rounds only, so that who runs them does not matter.
/// </summary>
/// <param name="members">Names of the samplers; at least one.</param>
/// <param name="gains">What each gained lately, or empty at the start.</param>
public sealed class Portfolio(ImmutableArray<string> members, ImmutableArray<double> gains)
{
    private readonly double[] _gains = gains.IsEmpty ? new double[members.Length] : [.. gains];

    /// <summary>Names of the samplers.</summary>
    public ImmutableArray<string> Members => members;

    /// <summary>New behaviour a schedule by member; what was learnt long ago counts less and less.</summary>
    public ImmutableArray<double> Gains => [.. _gains];

    /// <summary>Learns from a round.</summary>
    /// <param name="news">By member, how much was new.</param>
    /// <param name="schedules">By member, how many schedules it had.</param>
    public void Learn(ReadOnlySpan<int> news, ReadOnlySpan<int> schedules)
    {
        for (var i = 0; i < _gains.Length; i++)
        {
            _gains[i] = (_gains[i] / 2) + ((double)news[i] / Math.Max(1, schedules[i]));
        }
    }

    /// <summary>Shares a round.</summary>
    /// <param name="schedules">Its schedules.</param>
    /// <returns>The schedules of each member; some may be 0 when there are few.</returns>
    public ImmutableArray<int> Share(int schedules)
    {
        var total = _gains.Sum();
        var evenly = total > 1e-9 ? schedules / 2 : schedules;
        var shares = new int[_gains.Length];
        var given = 0;
        for (var i = 0; i < shares.Length; i++)
        {
            shares[i] = (evenly / shares.Length) + (total > 1e-9 ? (int)((schedules - evenly) * _gains[i] / total) : 0);
            given += shares[i];
        }

        // What rounding left over goes to the first ones.
        for (var i = 0; given < schedules; i = (i + 1) % shares.Length, given++)
        {
            shares[i]++;
        }

        return [.. shares];
    }
}
