namespace IommuCluster.Exploration.Runtime;

/// <summary>Picks who runs.</summary>
public interface IStrategy
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>Begins the next schedule.</summary>
    /// <param name="number">Its number, from 0.</param>
    /// <returns>False when there is nothing left to explore.</returns>
    bool BeginSchedule(long number);

    /// <summary>Picks a thread where more than one can run.</summary>
    /// <param name="choice">Who can.</param>
    /// <returns>The slot of one of them, or a negative <see cref="ChoiceOutcome"/>.</returns>
    int Choose(in Choice choice);

    /// <summary>Ends the schedule.</summary>
    /// <param name="end">How it ended.</param>
    void EndSchedule(ScheduleEnd end);
}

/// <summary>What a strategy may answer instead of a thread.</summary>
public static class ChoiceOutcome
{
    /// <summary>Gives the schedule up: what would follow is known.</summary>
    public const int Abandon = -1;

    /// <summary>The schedule to replay does not fit the program.</summary>
    public const int Diverged = -2;
}

/// <summary>A place where more than one thread can run.</summary>
/// <param name="Enabled">A bit for each slot that can.</param>
/// <param name="Current">The slot that ran last, or -1 at the start of a stage.</param>
/// <param name="Runtime">The runtime, for strategies that look at the state or at what threads are about to do.</param>
public readonly record struct Choice(ulong Enabled, int Current, DeterministicRuntime Runtime)
{
    /// <summary>True when the thread that ran last can go on: picking another one is a preemption.</summary>
    public bool CanStay => Current >= 0 && (Enabled >> Current & 1) != 0;

    /// <summary>The slot that runs when nobody decides: the current one while it can, else the lowest.</summary>
    public int Default => CanStay ? Current : System.Numerics.BitOperations.TrailingZeroCount(Enabled);
}
