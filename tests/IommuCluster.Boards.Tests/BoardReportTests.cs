using IommuCluster.Boards.Tests.Support;

namespace IommuCluster.Boards.Tests;

public class BoardReportTests
{
    /// <summary>Compared with Golden/; set IOMMUCLUSTER_UPDATE_GOLDEN=1 to write the files anew, and review the difference.</summary>
    [Theory]
    [InlineData("mt7623n-bananapi-bpi-r2")]
    [InlineData("juno-r2")]
    [InlineData("built")]
    public void Write_IsAsTheGoldenFileHasIt(string name)
    {
        var board = name == "built" ? Dtb.HostileDtbTests.Rich().Load() : BoardReader.LoadYaml(BoardFiles.ShippedPath(name));
        var golden = Path.Combine(BoardFiles.Root, "tests", "IommuCluster.Boards.Tests", "Golden", name + ".txt");
        var actual = BoardReport.Write(board);
        if (Environment.GetEnvironmentVariable("IOMMUCLUSTER_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(golden, actual);
        }

        Assert.Equal(File.ReadAllText(golden), actual);
    }
}
