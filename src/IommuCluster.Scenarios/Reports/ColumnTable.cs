using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using IommuCluster.Exploration.Reports;
using IommuCluster.Kernel;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Reports;

/// <summary>
/// Draws an interleaving as commit messages do: one column a thread, time runs down. A function's name heads what the
/// thread does in it; only steps that matter to the finding are drawn.
/// </summary>
internal sealed class ColumnTable
{
    /// <summary>More steps than this are not read; the earliest ones are left out.</summary>
    private const int MaxSteps = 48;

    private const int ColumnWidth = 42;
    private const int FirstFunctions = 5;
    private const int Indent = 2;

    private readonly StringBuilder _text = new();
    private readonly FindingReport _report;
    private readonly List<ReportStep> _shown;
    private readonly List<int> _columns;
    private readonly Dictionary<int, FunctionTree> _trees;
    private readonly int _left;
    private readonly bool _tellOwners;

    private ColumnTable(FindingReport report)
    {
        _report = report;
        _shown = [.. report.Steps.Where(step => step.Matters && step.Number <= report.Here.Step)];
        _left = Math.Max(0, _shown.Count - MaxSteps);
        _shown.RemoveRange(0, _left);
        _columns = [.. _shown.Select(step => step.ThreadId).Distinct().Order()];
        _trees = _columns.ToDictionary(id => id, id => new FunctionTree(_shown.Where(step => step.ThreadId == id)));
        _tellOwners = _shown.Select(step => step.Owner).Where(owner => owner.Length > 0).Distinct(StringComparer.Ordinal).Count() > 1;
    }

    /// <summary>Draws a finding's interleaving.</summary>
    /// <param name="report">The finding.</param>
    /// <returns>Lines ended by a line feed; empty when no step led to the finding.</returns>
    internal static string Write(FindingReport report) => new ColumnTable(report).Write();

    /// <summary>Writes every step, one a line.</summary>
    /// <param name="steps">The steps.</param>
    /// <param name="output">Takes the lines.</param>
    internal static void WriteTrace(IEnumerable<ReportStep> steps, TextWriter output)
    {
        foreach (var step in steps)
        {
            var function = step.Frames.IsEmpty ? string.Empty : KernelFunctions.NameOf(step.Frames[^1]);
            var owner = step.Owner.Length > 0 ? $" ({step.Owner})" : string.Empty;
            output.Write(string.Create(CultureInfo.InvariantCulture, $"{step.Number,7}  {step.ThreadName,-28}  {function,-36}  {step.Text}{owner}").TrimEnd());
            output.Write('\n');
        }
    }

    private string Write()
    {
        if (_shown.Count == 0)
        {
            return string.Empty;
        }

        WriteHead();
        var inside = new Dictionary<int, List<string>>();
        for (var i = 0; i < _shown.Count; i++)
        {
            var step = _shown[i];
            var times = 1;
            while (i + 1 < _shown.Count && IsSame(step, _shown[i + 1]))
            {
                times++;
                i++;
            }

            WriteStep(step, times, inside);
        }

        return _text.ToString();
    }

    private bool IsSame(ReportStep one, ReportStep next) =>
        one.ThreadId == next.ThreadId && one.Text == next.Text && one.Owner == next.Owner && one.Frames.SequenceEqual(next.Frames) && next.Number != _report.Here.Step;

    private void WriteStep(ReportStep step, int times, Dictionary<int, List<string>> inside)
    {
        var column = _columns.IndexOf(step.ThreadId);
        var frames = _trees[step.ThreadId].Drawn(step);
        var before = inside.GetValueOrDefault(step.ThreadId, []);
        for (var depth = Common(before, frames); depth < frames.Count; depth++)
        {
            Row(column, depth, $"{KernelFunctions.NameOf(frames[depth][(frames[depth].LastIndexOf('/') + 1)..])}()");
        }

        inside[step.ThreadId] = frames;
        var owner = _tellOwners && step.Owner.Length > 0 ? $" ({step.Owner})" : string.Empty;
        Row(column, frames.Count, times > 1 ? $"{step.Text}{owner} (x{times})" : $"{step.Text}{owner}");
        if (step.Number == _report.Here.Step)
        {
            Row(column, frames.Count, $"*** {ScenarioWords.Kebab(_report.Finding.Kind)}");
        }
    }

    private void WriteHead()
    {
        Cells(Enumerable.Range(0, _columns.Count).Select(i => $"CPU{i}"));
        Cells(_columns.Select(id => _shown.First(step => step.ThreadId == id).ThreadName));
        Cells(_columns.Select(_ => "----"));
        if (_left > 0)
        {
            _text.Append(CultureInfo.InvariantCulture, $"... {_left} earlier steps are left out; replay with --trace shows all\n");
        }
    }

    private void Cells(IEnumerable<string> cells)
    {
        var line = string.Concat(cells.Select(cell => (cell.Length > ColumnWidth - 2 ? $"{cell[..(ColumnWidth - 5)]}..." : cell).PadRight(ColumnWidth)));
        _text.Append(line.TrimEnd()).Append('\n');
    }

    private static int Common(List<string> one, List<string> other)
    {
        var common = 0;
        while (common < one.Count && common < other.Count && one[common] == other[common])
        {
            common++;
        }

        return common;
    }

    private void Row(int column, int depth, string content) =>
        _text.Append(' ', (column * ColumnWidth) + (depth * Indent)).Append(content).Append('\n');

    /// <summary>The functions of one thread's drawn steps; those that only lead to the next one are not drawn.</summary>
    private sealed class FunctionTree
    {
        private readonly Dictionary<string, HashSet<string>> _children = new(StringComparer.Ordinal);
        private readonly HashSet<string> _drawn = new(StringComparer.Ordinal);

        internal FunctionTree(IEnumerable<ReportStep> steps)
        {
            foreach (var step in steps)
            {
                var path = string.Empty;
                foreach (var frame in step.Frames)
                {
                    var inner = $"{path}/{frame}";
                    if (!_children.TryGetValue(path, out var children))
                    {
                        _children.Add(path, children = new HashSet<string>(StringComparer.Ordinal));
                    }

                    children.Add(inner);
                    path = inner;
                }

                _drawn.Add(path);
                if (_drawn.Count == 1)
                {
                    DrawWayTo(step.Frames);
                }
            }
        }

        /// <summary>A column begins with a few functions of the way to its first step: a reader must see where the thread is.</summary>
        private void DrawWayTo(ImmutableArray<string> frames)
        {
            var path = string.Empty;
            for (var i = 0; i < frames.Length; i++)
            {
                path = $"{path}/{frames[i]}";
                if (i >= frames.Length - FirstFunctions)
                {
                    _drawn.Add(path);
                }
            }
        }

        /// <summary>The drawn functions of a step, outermost first, each as its whole path.</summary>
        internal List<string> Drawn(ReportStep step)
        {
            var drawn = new List<string>();
            var path = string.Empty;
            foreach (var frame in step.Frames)
            {
                path = $"{path}/{frame}";
                if (_drawn.Contains(path) || _children.GetValueOrDefault(path)?.Count != 1)
                {
                    drawn.Add(path);
                }
            }

            return drawn;
        }
    }
}
