using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Boots;

/// <summary>
/// Decides what a SoC's boot does next: starts threads stage by stage, hands out their ids, keeps the virtual clock and
/// knows when nobody can run. A plain class: it is told what happened and says what to do, and sends nothing itself.
/// </summary>
internal interface IBootControl
{
    /// <summary>Takes notice of a thread's report; reports of one thread come in order, each once.</summary>
    /// <param name="report">The report.</param>
    void Take(ThreadReport report);

    /// <summary>Takes notice of the answer to an <see cref="AskAction"/>.</summary>
    /// <param name="ask">The question.</param>
    /// <param name="canProceed">The answer.</param>
    void Answered(AskAction ask, bool canProceed);

    /// <summary>What to do now.</summary>
    /// <returns>An action, or null until there is more news.</returns>
    BootAction? Next();

    /// <summary>Makes the thread that a step starts.</summary>
    /// <param name="step">The step.</param>
    /// <returns>The thread, on the CPU of its parent.</returns>
    ThreadOrder Spawn(StepMessage step);

    /// <summary>Makes the thread that does an operation; it starts by the next action.</summary>
    /// <param name="operation">The operation.</param>
    /// <returns>Id of the thread; null when the SoC is not up for operations.</returns>
    int? Operate(OperationMessage operation);

    /// <summary>Ends a SoC that stays up.</summary>
    void Stop();

    /// <summary>Takes a sleep.</summary>
    /// <param name="step">The step.</param>
    /// <returns>True when the thread has slept already; false when it is granted later.</returns>
    bool Sleep(StepMessage step);
}

/// <summary>Something that a boot does next.</summary>
internal abstract record BootAction;

/// <summary>Starts a thread.</summary>
/// <param name="Order">The thread.</param>
internal sealed record StartAction(ThreadOrder Order) : BootAction;

/// <summary>Lets a thread take the step that it announced.</summary>
/// <param name="Step">The step.</param>
internal sealed record GoAction(StepMessage Step) : BootAction;

/// <summary>Wakes a sleeper.</summary>
/// <param name="Grant">Its grant.</param>
internal sealed record WakeAction(Grant Grant) : BootAction;

/// <summary>Asks the owner of a word whether a step would go through.</summary>
/// <param name="Slot">The thread's slot.</param>
/// <param name="Step">The step.</param>
internal sealed record AskAction(int Slot, StepMessage Step) : BootAction;

/// <summary>Tells that the SoC that stays up is at rest.</summary>
internal sealed record RestAction : BootAction;

/// <summary>Ends the boot.</summary>
/// <param name="End">How.</param>
internal sealed record EndAction(ScheduleEnd End) : BootAction;
