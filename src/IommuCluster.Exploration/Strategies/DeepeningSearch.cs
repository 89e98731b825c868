using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>
/// Searches states with at most 0 preemptions, then 1, 2, ... until no bound cuts anything off any more (Musuvathi, Qadeer,
/// Iterative Context Bounding, PLDI 2007): most bugs need few, and wherever it is stopped, all that fewer preemptions can
/// do was seen.
/// </summary>
public sealed class DeepeningSearch : ISearch, IResumable
{
    private readonly int _maxStates;
    private readonly ExclusiveSteps _exclusive = new();
    private StateSearch _search;
    private int _bound;

    /// <summary>Makes a search.</summary>
    /// <param name="maxStates">States of one bound to remember whole; those beyond are told apart by three bits only.</param>
    public DeepeningSearch(int maxStates = StateSearch.DefaultMaxStates)
    {
        _maxStates = maxStates;
        _search = Make(0);
    }

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Deepening;

    /// <inheritdoc/>
    public bool IsExhausted { get; private set; }

    /// <inheritdoc/>
    public int? CompletedBound { get; private set; }

    /// <inheritdoc/>
    public bool IsApproximate { get; private set; }

    /// <summary>Number of states with a choice that were visited within the present bound.</summary>
    public long? StateCount => _search.StateCount;

    /// <summary>How much of the present bound is done.</summary>
    public double? Progress => _search.Progress;

    /// <inheritdoc/>
    public bool BeginSchedule(long number) => !IsExhausted && _search.BeginSchedule(number);

    /// <inheritdoc/>
    public int Choose(in Choice choice) => _search.Choose(choice);

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
        _search.EndSchedule(end);
        IsApproximate |= _search.IsApproximate;
        if (!_search.IsExhausted)
        {
            return;
        }

        CompletedBound = _search.CompletedBound;
        IsExhausted = CompletedBound is null; // Nothing was cut off.
        if (!IsExhausted)
        {
            _search = Make(++_bound);
        }
    }

    /// <inheritdoc/>
    void IResumable.Save(BinaryWriter writer)
    {
        SearchTree.WriteKind(writer, Name);
        writer.Write(_bound);
        writer.Write(IsExhausted);
        writer.Write(IsApproximate);
        writer.Write(CompletedBound ?? -1);
        ((IResumable)_search).Save(writer);
    }

    /// <inheritdoc/>
    void IResumable.Load(BinaryReader reader)
    {
        SearchTree.ReadKind(reader, Name);
        _bound = reader.ReadInt32();
        IsExhausted = reader.ReadBoolean();
        IsApproximate = reader.ReadBoolean();
        CompletedBound = reader.ReadInt32() is >= 0 and var bound ? bound : null;
        _search = Make(_bound);
        ((IResumable)_search).Load(reader);
    }

    private StateSearch Make(int bound) => new(bound, ulong.MaxValue, new VisitedStates(_maxStates), _exclusive);
}
