using IommuCluster.Boards.Yaml;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards;

/// <summary>Writes boards in our YAML form.</summary>
public static class BoardWriter
{
    /// <summary>The board as YAML text; <see cref="BoardReader.ParseYaml"/> makes an equal board of it.</summary>
    public static string ToYaml(Board board)
    {
        ArgumentNullException.ThrowIfNull(board);
        return BoardYamlWriter.Write(board);
    }
}
