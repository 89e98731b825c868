using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Acpi;

/// <summary>Reads the ACPI tables of one machine, in the order in which Linux asks them: IORT, VIOT, DMAR, IVRS.</summary>
internal static class AcpiBoardReader
{
    private const string Interrupts = "APIC";

    private static readonly string[] s_iommuTables = ["IORT", "VIOT", "DMAR", "IVRS"];

    /// <summary>Whether a file starts with the signature of a table that describes IOMMUs.</summary>
    internal static bool IsTable(string path) =>
        File.Exists(path) && AcpiTable.SignatureOf(BoundedFile.Read(path, limitBytes: 3)) is { } signature && s_iommuTables.Contains(signature);

    /// <summary>Reads files, and of directories the files in them that are tables this program reads.</summary>
    internal static Board Load(IReadOnlyList<string> paths, string? name, string? source, Architecture? architecture, Action<BoardDiagnostic>? onWarning)
    {
        var files = paths.SelectMany(FilesOf).ToList();
        if (files.Count == 0)
        {
            var place = paths.Count > 0 ? paths[0] : "(no files)";
            throw new DiagnosticBag(place).Fatal($"no table among {string.Join(", ", s_iommuTables)} here", "give the tables of one machine, or a directory that has them (/sys/firmware/acpi/tables)");
        }

        if (files.Count > AcpiLimits.Files)
        {
            throw new DiagnosticBag(files[0]).Fatal($"{files.Count} files are more than {AcpiLimits.Files}", "give the tables of one machine");
        }

        var tables = files.ConvertAll(file => (file, (ReadOnlyMemory<byte>)BoundedFile.Read(file, AcpiLimits.TableBytes)));
        return Read(
            tables,
            name ?? Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(paths[0])),
            source ?? string.Join(", ", files.Select(file => Path.GetFileName(file))),
            architecture, onWarning);
    }

    /// <summary>Reads tables from memory. Every table's errors are told at once.</summary>
    internal static Board Read(
        IReadOnlyList<(string File, ReadOnlyMemory<byte> Data)> tables, string name, string source, Architecture? architecture, Action<BoardDiagnostic>? onWarning)
    {
        var errors = ImmutableArray.CreateBuilder<BoardDiagnostic>();
        var bags = tables.Select(table => new DiagnosticBag(table.File)).ToList();
        var read = new List<AcpiTable>();
        for (var i = 0; i < tables.Count; i++)
        {
            var (data, bag) = (tables[i].Data, bags[i]);
            Collect(errors, () => read.Add(Checked(AcpiTable.Read(data, bag), read)));
        }

        var board = new AcpiBoard();
        foreach (var table in read.OrderBy(table => Array.IndexOf(s_iommuTables, table.Signature)))
        {
            Collect(errors, () =>
            {
                ReadTable(table, board);
                table.Bag.ThrowIfErrors();
            });
        }

        if (errors.Count > 0 || read.Count == 0)
        {
            throw errors.Count > 0 ? new BoardFormatException(errors.ToImmutable()) : new DiagnosticBag(name).Fatal("no table", "give the tables of one machine");
        }

        if (!read.Exists(table => s_iommuTables.Contains(table.Signature)))
        {
            read[0].Bag.Warning("no table that describes IOMMUs", "the board has none: give IORT, VIOT, DMAR or IVRS");
        }

        var result = board.ToBoard(name, read[0].Maker, architecture ?? ArchitectureOf(read), source);
        foreach (var warning in bags.SelectMany(bag => bag.Warnings))
        {
            onWarning?.Invoke(warning);
        }

        return result;
    }

    private static AcpiTable Checked(AcpiTable table, List<AcpiTable> before)
    {
        if (!s_iommuTables.Contains(table.Signature) && table.Signature != Interrupts)
        {
            throw table.Bag.Fatal($"a table '{table.Signature}', which says nothing about IOMMUs", $"give {string.Join(", ", s_iommuTables)}, and APIC for the architecture", 0);
        }

        return before.Exists(other => other.Signature == table.Signature)
            ? throw table.Bag.Fatal($"a second table '{table.Signature}'", "a machine has one: give the tables of one machine", 0)
            : table;
    }

    private static void ReadTable(AcpiTable table, AcpiBoard board)
    {
        switch (table.Signature)
        {
            case "IORT":
                IortReader.Read(table, board);
                break;
            case "VIOT":
                ViotReader.Read(table, board);
                break;
            case "DMAR":
                DmarReader.Read(table, board);
                break;
            case "IVRS":
                IvrsReader.Read(table, board);
                break;
        }
    }

    // IORT is Arm's, DMAR and IVRS are for x86; APIC lists interrupt controllers of either. VIOT alone does not tell.
    private static Architecture ArchitectureOf(List<AcpiTable> tables)
    {
        foreach (var table in tables)
        {
            switch (table.Signature)
            {
                case "IORT":
                    return Architecture.Arm64;
                case "DMAR" or "IVRS":
                    return Architecture.X86;
                case Interrupts when table.Whole.Length > 44:
                    return table.Whole.U8(44, "an interrupt controller's type") is >= 0x0b and <= 0x0f ? Architecture.Arm64 : Architecture.X86;
            }
        }

        tables[0].Bag.Warning("a VIOT alone does not tell the architecture", "x86 is taken: give the architecture, or the machine's APIC table, too");
        return Architecture.X86;
    }

    private static void Collect(ImmutableArray<BoardDiagnostic>.Builder errors, Action read)
    {
        try
        {
            read();
        }
        catch (BoardFormatException bad)
        {
            errors.AddRange(bad.Diagnostics);
        }
    }

    private static IEnumerable<string> FilesOf(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path).Order(StringComparer.Ordinal).Where(file => IsTable(file) || Path.GetFileName(file) == Interrupts)
        : [path];
}
