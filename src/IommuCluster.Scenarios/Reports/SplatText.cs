using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using IommuCluster.Exploration.Reports;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Scenarios.Reports;

/// <summary>Tells a finding as the kernel's log would: oops, KASAN, KCSAN or lockdep splat, with the stacks of all threads concerned.</summary>
internal static class SplatText
{
    private const string Rule = "==================================================================";

    /// <summary>Writes a finding.</summary>
    /// <param name="report">The finding.</param>
    /// <returns>Lines ended by a line feed.</returns>
    internal static string Write(FindingReport report)
    {
        var text = new StringBuilder();
        Line(text, Rule);
        foreach (var line in HeadOf(report))
        {
            Line(text, line);
        }

        if (report.Finding.IsRace)
        {
            Access(text, report, report.Here);
            Access(text, report, report.Other!);
        }
        else
        {
            Stack(text, "Call trace:", report.Here.Frames);
            if (report.Other is { } other)
            {
                Stack(text, $"{(report.Finding.Kind == FindingKind.NullDereference ? "Cleared" : "Freed")} by task {TaskOf(other)}: {other.Text}", other.Frames);
            }
        }

        if (report.Allocation is { } allocation)
        {
            Stack(text, $"Allocated by task {TaskOf(allocation)}:", allocation.Frames);
        }

        if (!report.Finding.IsRace)
        {
            HeldLocks(text, report.Threads);
        }

        Line(text, string.Empty);
        Line(text, "Threads:");
        foreach (var thread in report.Threads)
        {
            var where = thread.State == "ended" || thread.Frames.IsEmpty ? string.Empty : $" in {KernelFunctions.NameOf(thread.Frames[0])}";
            Line(text, $" {thread.Name}: {thread.State}{where}");
        }

        Line(text, Rule);
        return text.ToString();
    }

    private static IEnumerable<string> HeadOf(FindingReport report)
    {
        var finding = report.Finding;
        var function = KernelFunctions.NameOf(finding.Function);
        var here = TaskOf(report.Here);
        var field = finding.Field.Length > 0 ? $"{finding.ObjectType}->{finding.Field}" : finding.ObjectType;
        var bytes = report.Architecture == Architecture.Arm ? 4 : 8;
        switch (finding.Kind)
        {
            case FindingKind.NullDereference:
                yield return report.Architecture == Architecture.X86
                    ? $"BUG: kernel NULL pointer dereference, address: {Hex(report.FaultAddress, 8)}"
                    : $"Unable to handle kernel NULL pointer dereference at virtual address {Hex(report.FaultAddress, bytes)}";
                yield return $"{report.Here.Text} in {function} by task {here}";
                break;
            case FindingKind.WildPointer:
                yield return $"Unable to handle kernel paging request at virtual address {Hex(report.FaultAddress, bytes)}";
                yield return $"{report.Here.Text} in {function} by task {here}";
                break;
            case FindingKind.UseAfterFree or FindingKind.OutOfBounds or FindingKind.DoubleFree:
                yield return $"BUG: KASAN: {(finding.Kind == FindingKind.UseAfterFree ? "slab-use-after-free" : finding.Kind == FindingKind.OutOfBounds ? "slab-out-of-bounds" : "double-free")} in {function}";
                yield return finding.Kind == FindingKind.DoubleFree
                    ? $"Free of addr {Hex(report.FaultAddress, 8)} by task {here}"
                    : $"{(report.Here.Text.StartsWith("read", StringComparison.Ordinal) ? "Read" : "Write")} of size {bytes} at addr {Hex(report.FaultAddress, 8)} by task {here}: {field}";
                break;
            case FindingKind.DataRace:
                yield return $"BUG: KCSAN: data-race in {KernelFunctions.NameOf(finding.Function)} / {KernelFunctions.NameOf(finding.Other)}";
                break;
            default:
                yield return KernelWords.InKernelWords(finding.Message);
                yield return $"in {function} by task {here}";
                break;
        }

        if (report.ObjectName.Length > 0)
        {
            yield return $"{(finding.Kind == FindingKind.NullDereference ? "NULL read from" : "Object")}: {report.ObjectName}";
        }
    }

    /// <summary>One of the two accesses of a race, as KCSAN tells it, with how it is marked and the locks held at it.</summary>
    private static void Access(StringBuilder text, FindingReport report, Moment access)
    {
        var bytes = report.Architecture == Architecture.Arm ? 4 : 8;
        var marking = access.Marking switch
        {
            Marking.Plain => "plain",
            Marking.Once or Marking.Ordered when access.Text.StartsWith("atomic", StringComparison.Ordinal) => "marked: atomic",
            Marking.Once => access.Text.StartsWith("read", StringComparison.Ordinal) ? "marked: READ_ONCE" : "marked: WRITE_ONCE",
            Marking.Ordered => access.Text.StartsWith("read", StringComparison.Ordinal) ? "marked: acquire" : "marked: release",
            Marking.Atomic => "marked: atomic",
            Marking.DataRace => "marked: data_race",
            _ => "plain",
        };
        Stack(text, $"{access.Text} of {bytes} bytes by task {TaskOf(access)} ({marking}):", access.Frames);
        Held(text, " ", access.Held, access.Held.IsEmpty ? "no locks held" : null);
    }

    private static void HeldLocks(StringBuilder text, ImmutableArray<ThreadSnapshot> threads)
    {
        foreach (var thread in threads.Where(thread => !thread.Held.IsEmpty))
        {
            Line(text, string.Empty);
            Held(text, string.Empty, thread.Held, null, $" by {thread.Name}");
        }
    }

    private static void Held(StringBuilder text, string indent, ImmutableArray<string> locks, string? none, string holder = "")
    {
        Line(text, indent + (none ?? $"{locks.Length} lock{(locks.Length == 1 ? string.Empty : "s")} held{holder}:"));
        for (var i = 0; i < locks.Length; i++)
        {
            Line(text, $"{indent} #{i}: {HeldLock(locks[i])}");
        }
    }

    private static string HeldLock(string held)
    {
        // The snapshot says "&group->mutex (IommuProbeDevice)".
        var open = held.LastIndexOf(" (", StringComparison.Ordinal);
        return open < 0 ? held : $"({held[..open]}), at: {KernelFunctions.NameOf(held[(open + 2)..^1])}";
    }

    private static void Stack(StringBuilder text, string title, ImmutableArray<string> frames)
    {
        Line(text, string.Empty);
        Line(text, title);
        foreach (var frame in frames)
        {
            Line(text, $" {KernelFunctions.NameOf(frame)}");
        }
    }

    private static string TaskOf(Moment moment) => string.Create(CultureInfo.InvariantCulture, $"{moment.ThreadName}/{moment.ThreadId}");

    private static string Hex(ulong? address, int bytes) => (address ?? 0).ToString(bytes == 4 ? "x8" : "x16", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
