using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Running;

/// <summary>
/// Looks for the smallest case that still shows a finding: takes away masters, further IOMMUs, what a user does, drivers'
/// ways, DMA, and searches again each time, with a small budget. What the budget misses stays, so the answer is small
/// but not the smallest there is; that it shows the finding is certain.
/// </summary>
/// <param name="runner">Searches.</param>
/// <param name="schedules">Schedules for each try.</param>
public sealed class CaseMinimiser(CaseRunner runner, int schedules = 256)
{
    /// <summary>Shrinks a case.</summary>
    /// <param name="scenarioCase">A case that shows the finding.</param>
    /// <param name="finding">The finding.</param>
    /// <returns>The smaller case; the same one when nothing can be taken away within the budget.</returns>
    public ScenarioCase Minimise(ScenarioCase scenarioCase, Finding finding)
    {
        var smallest = scenarioCase;
        bool Try(BootPlan plan)
        {
            var candidate = scenarioCase with { Plan = plan };
            try
            {
                if (!runner.Shows(candidate, finding, schedules))
                {
                    return false;
                }
            }
            catch (ScenarioException)
            {
                return false; // What is left names what was taken away.
            }

            smallest = candidate;
            return true;
        }

        var masters = scenarioCase.Plan.Masters.IsEmpty ? runner.Boot(scenarioCase).Machine?.MasterNames() ?? [] : scenarioCase.Plan.Masters;
        Shrink(scenarioCase.Plan.Users, users => smallest.Plan with { Users = users }, Try);
        Shrink(scenarioCase.Plan.BootDma, names => smallest.Plan with { BootDma = names }, Try);
        Shrink(masters, names => names.IsEmpty ? null : smallest.Plan with { Masters = names }, Try);
        Shrink(smallest.Plan.Iommus, names => smallest.Plan with { Iommus = names }, Try);
        Shrink(smallest.Plan.Drivers, drivers => smallest.Plan with { Drivers = drivers }, Try);
        if (smallest.Plan.Transfers > 0)
        {
            Try(smallest.Plan with { Transfers = 0 });
        }

        return smallest;
    }

    /// <summary>Takes out parts of a list, larger ones first, as long as the rest still does (Zeller, Hildebrandt, TSE 2002).</summary>
    private static void Shrink<T>(ImmutableArray<T> list, Func<ImmutableArray<T>, BootPlan?> planOf, Func<BootPlan, bool> tries)
    {
        for (var size = (list.Length + 1) / 2; size >= 1; size /= 2)
        {
            for (var at = 0; at < list.Length;)
            {
                var rest = list.RemoveRange(at, Math.Min(size, list.Length - at));
                if (planOf(rest) is { } plan && tries(plan))
                {
                    list = rest;
                }
                else
                {
                    at += size;
                }
            }
        }
    }
}
