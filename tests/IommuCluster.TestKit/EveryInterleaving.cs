using System.Numerics;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.TestKit;

/// <summary>Brute force: every choice at every place, depth first, nothing remembered and nothing left out.</summary>
public sealed class EveryInterleaving : IStrategy
{
    private readonly List<(ulong Left, int Slot)> _path = [];
    private int _depth;
    private bool _isDone;

    /// <inheritdoc/>
    public string Name => "brute force";

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _depth = 0;
        return !_isDone;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        if (_depth == _path.Count)
        {
            _path.Add((choice.Enabled & (choice.Enabled - 1), BitOperations.TrailingZeroCount(choice.Enabled)));
        }

        return _path[_depth++].Slot;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        while (_path.Count > 0 && _path[^1].Left == 0)
        {
            _path.RemoveAt(_path.Count - 1);
        }

        if (_path.Count == 0)
        {
            _isDone = true;
            return;
        }

        var left = _path[^1].Left;
        _path[^1] = (left & (left - 1), BitOperations.TrailingZeroCount(left));
    }
}
