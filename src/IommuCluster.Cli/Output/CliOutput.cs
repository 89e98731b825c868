using System.CommandLine;
using IommuCluster.Exploration.Runs;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using Spectre.Console;

namespace IommuCluster.Cli.Output;

/// <summary>Writes results, in colour where there is a terminal, and shows progress.</summary>
internal sealed class CliOutput
{
    private readonly CliContext _context;
    private readonly IAnsiConsole? _colours;

    internal CliOutput(CliContext context, GlobalOptions options, ParseResult parsed)
    {
        _context = context;
        IsJson = parsed.GetValue(options.Json);
        IsQuiet = parsed.GetValue(options.Quiet);
        _colours = context.HasColour && !IsJson && !parsed.GetValue(options.NoColor) ? ConsoleOn(context.Out) : null;
    }

    /// <summary>True when results are for programs.</summary>
    internal bool IsJson { get; }

    /// <summary>True when only verdicts are wanted.</summary>
    internal bool IsQuiet { get; }

    /// <summary>Writes text as it is.</summary>
    internal void Text(string text) => _context.Out.Write(text);

    /// <summary>Writes a line.</summary>
    internal void Line(string line, Color? colour = null)
    {
        if (_colours is not null && colour is { } value)
        {
            _colours.Write(new Text(line, new Style(value)));
            line = string.Empty;
        }

        _context.Out.Write(line);
        _context.Out.Write('\n');
    }

    /// <summary>Writes a remark that is no result.</summary>
    internal void Remark(string line) => _context.Error.Write(line + "\n");

    /// <summary>Explores a case with its progress on the terminal, if there is one.</summary>
    internal T WithProgress<T>(ScenarioCase scenarioCase, Func<Action<ExplorationProgress>?, T> work)
    {
        if (!_context.HasProgress || IsQuiet || IsJson)
        {
            return work(null);
        }

        var title = $"{scenarioCase.Scenario}/{scenarioCase.Name}";
        return ConsoleOn(_context.Error).Status().Start(Markup.Escape(title), status => work(at =>
            status.Status = Markup.Escape($"{title}: {TextReport.Progress(at, scenarioCase.Explore)}")));
    }

    private static IAnsiConsole ConsoleOn(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        console.Profile.Width = Math.Max(console.Profile.Width, 4096); // Nothing of ours is to be wrapped.
        return console;
    }
}
