using System.Collections.Immutable;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reports;

/// <summary>All that is to be told of one finding: facts only, no layout.</summary>
public sealed record FindingReport
{
    /// <summary>The finding, as the replayed schedule shows it.</summary>
    public required Finding Finding { get; init; }

    /// <summary>What was replayed, in this order on one runtime; the last one shows the finding.</summary>
    public required ImmutableArray<Schedule> Schedules { get; init; }

    /// <summary>Decides the byte offsets and addresses that splats print.</summary>
    public required Architecture Architecture { get; init; }

    /// <summary>The step at which it showed.</summary>
    public required Moment Here { get; init; }

    /// <summary>The address that faulted; null when nothing did.</summary>
    public ulong? FaultAddress { get; init; }

    /// <summary>The earlier step of a pair: the racing access, the free, or the store that cleared the pointer; null when there is none.</summary>
    public Moment? Other { get; init; }

    /// <summary>The step that made the object concerned; null when there is none.</summary>
    public Moment? Allocation { get; init; }

    /// <summary>The object concerned, for people: "dev_iommu of 1d84000.ufshc"; empty when there is none.</summary>
    public string ObjectName { get; init; } = string.Empty;

    /// <summary>Every thread at the moment of the finding.</summary>
    public required ImmutableArray<ThreadSnapshot> Threads { get; init; }

    /// <summary>Every step from the start of the boot, in order.</summary>
    public required ImmutableArray<ReportStep> Steps { get; init; }
}

/// <summary>A step with the stack that took it.</summary>
/// <param name="Step">Its number from the start of the boot, from 0.</param>
/// <param name="ThreadId">Id of the thread.</param>
/// <param name="ThreadName">How reports call the thread.</param>
/// <param name="Text">What it did, in words.</param>
/// <param name="Frames">The methods it was in, innermost first; at least the thread's name.</param>
public sealed record Moment(int Step, int ThreadId, string ThreadName, string Text, ImmutableArray<string> Frames)
{
    /// <summary>How the step's access was marked; null when it is no access to a word.</summary>
    public Marking? Marking { get; init; }

    /// <summary>The locks that the thread held just before, outermost first, with the function that took each.</summary>
    public ImmutableArray<string> Held { get; init; } = [];
}

/// <summary>One step of the interleaving.</summary>
/// <param name="Number">Its number from the start of the boot, from 0.</param>
/// <param name="ThreadId">Id of the thread.</param>
/// <param name="ThreadName">How reports call the thread.</param>
/// <param name="Frames">The methods it was in, outermost first.</param>
/// <param name="Text">What it did, in words.</param>
/// <param name="Owner">The owner of the object that it touched, for people; empty when there is none.</param>
/// <param name="Matters">True when the finding cannot be understood without it.</param>
public sealed record ReportStep(int Number, int ThreadId, string ThreadName, ImmutableArray<string> Frames, string Text, string Owner, bool Matters);
