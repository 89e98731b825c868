using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>Finds the earlier steps that explain a later one.</summary>
internal static class Origins
{
    private const int LoadsLookedAt = 6;

    /// <summary>The step that made an object.</summary>
    /// <param name="trace">The schedule.</param>
    /// <param name="sought">The object; NULL has none.</param>
    /// <param name="before">Steps from here on are not looked at.</param>
    /// <returns>Its number, or -1.</returns>
    internal static int AllocatingStep(Trace trace, Address sought, int before)
    {
        for (var step = before - 1; step >= 0 && !sought.IsNull; step--)
        {
            if (trace[step].Kind == StepKind.Allocate && trace[step].Base == sought)
            {
                return step;
            }
        }

        return -1;
    }

    /// <summary>The load from which a thread has the NULL that it followed: its last load of a pointer that was NULL, if that is not long ago.</summary>
    /// <param name="trace">The schedule.</param>
    /// <param name="fault">The step that followed NULL.</param>
    /// <returns>Its number, or -1 when the step did not follow NULL or the NULL came from elsewhere.</returns>
    internal static int LoadOfNull(Trace trace, int fault)
    {
        if (fault < 0 || trace[fault].Fault != FaultKind.NullDereference)
        {
            return -1;
        }

        foreach (var load in LastLoads(trace, fault))
        {
            ref readonly var entry = ref trace[load];
            if (entry.Result == trace[fault].Base.Value && IsPointer(trace, entry.Field))
            {
                return load;
            }
        }

        return -1;
    }

    /// <summary>The last few loads of a step's thread before the step, the latest first.</summary>
    /// <param name="trace">The schedule.</param>
    /// <param name="at">The step.</param>
    internal static IEnumerable<int> LastLoads(Trace trace, int at)
    {
        var left = LoadsLookedAt;
        for (var step = at - 1; step >= 0 && left > 0; step--)
        {
            if (trace[step].Id == trace[at].Id && trace[step].Kind == StepKind.Load)
            {
                left--;
                yield return step;
            }
        }
    }

    /// <summary>True for a word that held an address at some time in the schedule.</summary>
    private static bool IsPointer(Trace trace, FieldDescriptor? field)
    {
        for (var step = 0; step < trace.Count; step++)
        {
            ref readonly var entry = ref trace[step];
            if (ReferenceEquals(entry.Field, field) && (new Address(entry.Value).IsObject || new Address(entry.Result).IsObject))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The store of another thread that cleared the pointer which was then followed.</summary>
    /// <param name="trace">The schedule.</param>
    /// <param name="fault">The step that followed NULL.</param>
    /// <returns>Its number, or -1.</returns>
    internal static int ClearingStep(Trace trace, int fault)
    {
        var load = LoadOfNull(trace, fault);
        for (var step = load - 1; step >= 0; step--)
        {
            ref readonly var entry = ref trace[step];
            if (entry.Kind is StepKind.Store or StepKind.Exchange && WordOf(entry) == WordOf(trace[load]))
            {
                return entry.Value == 0 && entry.Id != trace[fault].Id ? step : -1;
            }
        }

        return -1;
    }

    /// <summary>The word that a step touches, as a number that no other word has.</summary>
    /// <param name="entry">The step.</param>
    internal static ulong WordOf(in TraceEntry entry) => unchecked(entry.Base.Value + (ulong)((entry.Field?.Word ?? 0) + entry.Index));
}
