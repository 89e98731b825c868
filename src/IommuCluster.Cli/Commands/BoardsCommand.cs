using System.CommandLine;
using IommuCluster.Boards;
using IommuCluster.Cli.Output;
using IommuCluster.Kernel.Firmware;

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
        var files = new Argument<string[]>("files")
        {
            Description = "A flattened device tree (.dtb), or the ACPI tables of one machine: IORT, VIOT, DMAR, IVRS, a file each or a directory.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var live = new Option<bool>("--live") { Description = "Read the machine that runs: device tree or ACPI tables (as root), and the IOMMU groups that its Linux made." };
        var root = new Option<string>("--root") { Description = "With --live: root of the machine's file system.", DefaultValueFactory = _ => "/" };
        var target = new Option<string?>("--output", "-o") { Description = "The .yaml file to write; standard output when not given." };
        var name = new Option<string?>("--name") { Description = "What the board is called; the file's name when not given." };
        var source = new Option<string?>("--source") { Description = "Where the files come from, for people: package, kernel release." };
        var architecture = new Option<string?>("--architecture") { Description = "For ACPI tables that do not tell it." };
        architecture.AcceptOnlyFromAmong("arm64", "x86");
        var whole = new Option<bool>("--whole") { Description = "Keep nodes that have nothing to do with IOMMUs." };
        var command = new Command("import", "Writes a device tree, ACPI tables, or the running machine in our YAML form.") { files, live, root, target, name, source, architecture, whole };
        command.Validators.Add(result =>
        {
            var given = result.GetValue(files)?.Length ?? 0;
            if (result.GetValue(live) == given > 0)
            {
                result.AddError(given > 0 ? "--live reads the machine that runs: give no files with it" : "give a .dtb file, ACPI tables, or --live");
            }
        });
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            var wanted = parsed.GetValue(architecture) is { } word ? word == "x86" ? Architecture.X86 : Architecture.Arm64 : default(Architecture?);
            void Warn(BoardDiagnostic warning) => output.Remark($"warning: {warning}");
            var board = parsed.GetValue(live)
                ? BoardReader.LoadLive(parsed.GetRequiredValue(root), wanted, parsed.GetValue(name), parsed.GetValue(source), Warn)
                : ImportFiles(parsed.GetRequiredValue(files), parsed.GetValue(name), parsed.GetValue(source), wanted, Warn);
            var text = BoardWriter.ToYaml(parsed.GetValue(whole) ? board : BoardSelection.AroundIommus(board));
            if (parsed.GetValue(target) is { } path)
            {
                OutputOption.Write(path, "give a file that can be written", () => File.WriteAllText(path, text));
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

    private static Board ImportFiles(string[] files, string? name, string? source, Architecture? architecture, Action<BoardDiagnostic> warn)
    {
        if (files.Length > 1 || BoardReader.IsAcpi(files[0]))
        {
            return BoardReader.LoadAcpi(files, name, source, architecture, warn);
        }

        var board = BoardReader.LoadDtb(files[0], source, warn);
        return name is null ? board : board with { Name = name };
    }
}
