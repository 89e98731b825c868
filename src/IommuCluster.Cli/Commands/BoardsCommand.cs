using System.CommandLine;
using IommuCluster.Boards;
using IommuCluster.Cli.Output;

namespace IommuCluster.Cli.Commands;

/// <summary><c>boards list|show|import</c>.</summary>
internal static class BoardsCommand
{
    internal static Command Create(CliContext context, GlobalOptions options) => new("boards", "What boards there are, and what is on them.")
    {
        List(context, options),
        Show(context, options),
        Import(context, options),
    };

    private static Command List(CliContext context, GlobalOptions options)
    {
        var command = new Command("list", "Lists the boards under scenarios/boards.");
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            var catalog = BoardCatalog.Locate(context.Places);
            foreach (var entry in catalog.List())
            {
                output.Line(entry.Name);
            }

            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Show(CliContext context, GlobalOptions options)
    {
        var name = new Argument<string>("board") { Description = "A name of `boards list`, or a .yaml or .dtb file." };
        var command = new Command("show", "Shows a board: IOMMUs, masters, what they need.") { name };
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            var board = BoardCatalog.Locate(context.Places).Load(parsed.GetRequiredValue(name), warning => output.Remark($"warning: {warning}"));
            output.Text(BoardReport.Write(board));
            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Import(CliContext context, GlobalOptions options)
    {
        var file = new Argument<string>("file") { Description = "A flattened device tree (.dtb)." };
        var target = new Option<string?>("--output", "-o") { Description = "The .yaml file to write; standard output when not given." };
        var source = new Option<string?>("--source") { Description = "Where the file comes from, for people: package, kernel release." };
        var whole = new Option<bool>("--whole") { Description = "Keep nodes that have nothing to do with IOMMUs." };
        var command = new Command("import", "Writes a device tree in our YAML form.") { file, target, source, whole };
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            var board = BoardReader.LoadDtb(parsed.GetRequiredValue(file), parsed.GetValue(source), warning => output.Remark($"warning: {warning}"));
            var text = BoardWriter.ToYaml(parsed.GetValue(whole) ? board : BoardSelection.AroundIommus(board));
            if (parsed.GetValue(target) is { } path)
            {
                File.WriteAllText(path, text);
                output.Remark($"wrote {path}");
            }
            else
            {
                output.Text(text);
            }

            return ExitCodes.Fine;
        });
        return command;
    }
}
