using System.Globalization;
using System.Text;
using IommuCluster.Exploration.Reports;
using IommuCluster.Kernel;

namespace IommuCluster.Scenarios.Reports;

/// <summary>
/// Draws an interleaving as commit messages do: one column a thread, time runs down. A function's name heads what the
/// thread does in it; only steps that matter to the finding are drawn.
/// </summary>
internal static class ColumnTable
{
    /// <summary>More rows than this are not read; the earliest ones are left out.</summary>
    private const int MaxSteps = 60;

    private const int ColumnWidth = 40;
    private const int Indent = 2;

    /// <summary>Draws a finding's interleaving.</summary>
    /// <param name="report">The finding.</param>
    /// <returns>Lines ended by a line feed.</returns>
    internal static string Write(FindingReport report)
    {
        var shown = report.Steps.Where(step => step.Matters && (report.Here.Step < 0 || step.Number <= report.Here.Step)).ToList();
        var left = shown.Count - MaxSteps;
        if (left > 0)
        {
            shown.RemoveRange(0, left);
        }

        var columns = shown.Select(step => step.ThreadId).Distinct().Order().ToList();
        var bases = columns.ToDictionary(id => id, id => CommonDepth(shown.Where(step => step.ThreadId == id)));
        var text = new StringBuilder();
        Head(text, columns, shown);
        if (left > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"... {left} earlier steps on the same words\n");
        }

        var inside = new Dictionary<int, string[]>();
        foreach (var step in shown)
        {
            var column = columns.IndexOf(step.ThreadId);
            var at = bases[step.ThreadId];
            var frames = step.Frames.Skip(at).ToArray();
            var common = Common(inside.GetValueOrDefault(step.ThreadId, []), frames);
            for (var depth = common; depth < frames.Length; depth++)
            {
                Row(text, column, depth, $"{KernelFunctions.NameOf(frames[depth])}()");
            }

            inside[step.ThreadId] = frames;
            Row(text, column, frames.Length, step.Text);
            if (step.Number == report.Here.Step)
            {
                Row(text, column, frames.Length, $"*** {Format.ScenarioWords.Kebab(report.Finding.Kind)}");
            }
        }

        return text.ToString();
    }

    /// <summary>Writes every step, one a line.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="output">Takes the lines.</param>
    internal static void WriteTrace(IEnumerable<ReportStep> steps, TextWriter output)
    {
        foreach (var step in steps)
        {
            var function = step.Frames.IsEmpty ? string.Empty : KernelFunctions.NameOf(step.Frames[^1]);
            output.Write(string.Create(CultureInfo.InvariantCulture, $"{step.Number,7}  {step.ThreadName,-28}  {function,-36}  {step.Text}").TrimEnd());
            output.Write('\n');
        }
    }

    private static void Head(StringBuilder text, List<int> columns, List<ReportStep> shown)
    {
        for (var i = 0; i < columns.Count; i++)
        {
            text.Append($"CPU{i}".PadRight(i == columns.Count - 1 ? 0 : ColumnWidth));
        }

        text.Append('\n');
        for (var i = 0; i < columns.Count; i++)
        {
            var name = shown.First(step => step.ThreadId == columns[i]).ThreadName;
            text.Append(name.Length > ColumnWidth - 2 ? $"{name[..(ColumnWidth - 5)]}..." : name).Append(' ', i == columns.Count - 1 ? 0 : Math.Max(2, ColumnWidth - name.Length));
        }

        text.Append('\n');
        for (var i = 0; i < columns.Count; i++)
        {
            text.Append("----".PadRight(i == columns.Count - 1 ? 0 : ColumnWidth));
        }

        text.Append('\n');
    }

    /// <summary>How many of the outermost functions are the same in all of a thread's steps; the innermost of them is drawn.</summary>
    private static int CommonDepth(IEnumerable<ReportStep> steps)
    {
        string[]? common = null;
        foreach (var step in steps)
        {
            common = common is null ? [.. step.Frames] : common[..Common(common, [.. step.Frames])];
        }

        return Math.Max(0, (common?.Length ?? 0) - 1);
    }

    private static int Common(string[] one, string[] other)
    {
        var common = 0;
        while (common < one.Length && common < other.Length && one[common] == other[common])
        {
            common++;
        }

        return common;
    }

    private static void Row(StringBuilder text, int column, int depth, string content) =>
        text.Append(' ', (column * ColumnWidth) + (depth * Indent)).Append(content).Append('\n');
}
