using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Reduction;

/// <summary>Counts the preemptions of another strategy.</summary>
/// <param name="inner">Makes the choices.</param>
internal sealed class PreemptionCount(IStrategy inner) : IStrategy
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <summary>Switches away from a thread that could have gone on.</summary>
    public int Preemptions { get; private set; }

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        Preemptions = 0;
        return inner.BeginSchedule(number);
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        var slot = inner.Choose(choice);
        if (choice.CanStay && slot >= 0 && slot != choice.Current)
        {
            Preemptions++;
        }

        return slot;
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end) => inner.EndSchedule(end);
}
