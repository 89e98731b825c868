using System.Buffers.Binary;
using IommuCluster.Cli.Tests.Support;

namespace IommuCluster.Cli.Tests;

public sealed class ImportCommandTests : IDisposable
{
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("iommucluster-import-");

    public void Dispose() => _place.Delete(recursive: true);

    [Fact]
    public async Task Import_TablesOfOneMachine_WritesABoard()
    {
        using var line = new CommandLine();

        var answer = await line.Run("boards", "import", Put("DMAR", Dmar()), Put("APIC", Table("APIC", new byte[20])), "--name", "mine", "--source", "a test");

        Assert.Equal((0, string.Empty), (answer.Code, answer.Error));
        Assert.Contains("board: mine\n", answer.Out, StringComparison.Ordinal);
        Assert.Contains("name: \"0000:00:1f.2\"\n    compatible: pci-endpoint\n    iommus: dmar@fed90000 0xfa\n", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_Directory_TakesTheTablesInIt()
    {
        using var line = new CommandLine();
        Put("DMAR", Dmar());
        Put("DSDT", Table("DSDT", new byte[8]));

        Assert.Contains("name: dmar0", (await line.Run("boards", "import", _place.FullName)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_Live_ReadsTheMachineAndItsGroups()
    {
        using var line = new CommandLine();
        Put("sys/firmware/acpi/tables/DMAR", Dmar());
        Directory.CreateDirectory(Path.Combine(_place.FullName, "sys/kernel/iommu_groups/7/devices/0000:00:1f.2"));

        var answer = await line.Run("boards", "import", "--live", "--root", _place.FullName);

        Assert.EndsWith("live-groups:\n  - group: 7\n    devices: [\"0000:00:1f.2\"]\n", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_Table_TellsThatItsDriverIsPlain()
    {
        using var line = new CommandLine();

        Assert.Contains("driver  intel-iommu: plain", (await line.Run("boards", "show", Put("dmar.bin", Dmar()))).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_DamagedTable_SaysWhereAndHowToMendIt()
    {
        using var line = new CommandLine();
        var table = Dmar();
        table[50]++;

        var answer = await line.Run("boards", "import", Put("DMAR", table));

        Assert.Equal(2, answer.Code);
        Assert.Contains("DMAR @0x9: the bytes add up to 0x01, not to 0; the table is damaged: copy it again", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("give a .dtb file, ACPI tables, or --live")]
    [InlineData("give no files with it", "--live", "some.dtb")]
    [InlineData("neither a device tree nor ACPI tables", "--live", "--root", "/nowhere/at/all")]
    public async Task Import_WhatToReadIsUnclear_AnswersTwo(string message, params string[] args)
    {
        using var line = new CommandLine();

        var answer = await line.Run(["boards", "import", .. args]);

        Assert.Equal(2, answer.Code);
        Assert.Contains(message, answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_OutputThatCannotBeWritten_AnswersTwo()
    {
        using var line = new CommandLine();

        var answer = await line.Run("boards", "import", Put("DMAR", Dmar()), "--output", "/proc/self/nowhere/board.yaml");

        Assert.Equal(2, answer.Code);
        Assert.StartsWith("--output /proc/self/nowhere/board.yaml: ", answer.Error, StringComparison.Ordinal);
        Assert.EndsWith("; give a file that can be written\n", answer.Error, StringComparison.Ordinal);
    }

    private static byte[] Dmar() => Table("DMAR",
    [
        47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 24, 0, 0, 0, 0, 0, 0x00, 0x00, 0xd9, 0xfe, 0, 0, 0, 0,
        1, 8, 0, 0, 0, 0, 0x1f, 2,
    ]);

    private static byte[] Table(string signature, byte[] body)
    {
        var table = new byte[36 + body.Length];
        System.Text.Encoding.ASCII.GetBytes(signature).CopyTo(table, 0);
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(4), table.Length);
        body.CopyTo(table, 36);
        table[9] = (byte)((256 - (table.Sum(each => each) & 0xff)) & 0xff);
        return table;
    }

    private string Put(string name, byte[] data)
    {
        var path = Path.Combine(_place.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, data);
        return path;
    }
}
