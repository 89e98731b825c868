using IommuCluster.Boards.Tests.Support;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Sysfs;

/// <summary>A fake file system in the place of the running machine's.</summary>
public sealed class LiveMachineTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("iommucluster-live-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void Read_DeviceTreeAndGroups()
    {
        Write("sys/firmware/fdt", Dtb.HostileDtbTests.Rich().Flatten());
        Write("proc/sys/kernel/osrelease", "6.10.3-test\n"u8.ToArray());
        Group(10, "DMA-FQ\n", "0000:01:00.0");
        Group(2, "identity\n", "10000030.display", "10000020.other");
        Group(3, null);

        var board = BoardReader.LoadLive(_root.FullName);

        Assert.Equal(("board", "a running machine, Linux 6.10.3-test"), (board.Name, board.Source));
        Assert.Equal(
            ["2 identity 10000020.other 10000030.display", "3  ", "10 DMA-FQ 0000:01:00.0"],
            board.LiveGroups.Select(group => $"{group.Number} {group.Type} {string.Join(' ', group.Devices)}"));
        Assert.Equal(BoardText.Of(board), BoardText.Of(BoardReader.ParseYaml(BoardWriter.ToYaml(board), "test.yaml")));
        Assert.Contains("Groups of the running machine\n  2  identity  10000020.other, 10000030.display\n", BoardReport.Write(board), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AcpiGoesBeforeTheDeviceTreeOfTheBootLoader()
    {
        Write("sys/firmware/fdt", DtbSource.Arm64(_ => { }).Flatten());
        Write("sys/firmware/acpi/tables/IORT", Tables.Iort());
        Write("sys/firmware/acpi/tables/DSDT", new TableSource("DSDT").ToArray());
        Write("sys/firmware/acpi/tables/data/BERT", [1, 2, 3]);

        var board = BoardReader.LoadLive(_root.FullName, name: "mine");

        Assert.Equal(("mine", Architecture.Arm64), (board.Name, board.Architecture));
        Assert.Contains(board.Nodes, node => node.Name == "arm-smmu-v3.0.auto");
        Assert.Empty(board.LiveGroups);
    }

    [Fact]
    public void Read_NothingThere_SaysSo() =>
        Assert.Contains("neither", Assert.Single(Assert.Throws<BoardFormatException>(() => BoardReader.LoadLive(_root.FullName)).Diagnostics).Reason, StringComparison.Ordinal);

    private void Group(int number, string? type, params string[] devices)
    {
        var place = Path.Combine(_root.FullName, "sys/kernel/iommu_groups", $"{number}");
        Directory.CreateDirectory(Path.Combine(place, "devices"));
        if (type is not null)
        {
            File.WriteAllText(Path.Combine(place, "type"), type);
        }

        foreach (var device in devices)
        {
            Directory.CreateSymbolicLink(Path.Combine(place, "devices", device), "/nowhere");
        }
    }

    private void Write(string path, byte[] data)
    {
        var file = Path.Combine(_root.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, data);
    }
}
