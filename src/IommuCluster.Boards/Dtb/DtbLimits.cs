namespace IommuCluster.Boards.Dtb;

/// <summary>
/// How large a tree may be. Real ones stay far below (150 KiB, 2,500 nodes, depth 12); the kernel itself stops
/// at 2 MiB and depth 64. Together they keep a hostile file below 256 MiB of memory and a second of time.
/// </summary>
internal static class DtbLimits
{
    internal const int FileBytes = 4 << 20;
    internal const int Nodes = 32_768;
    internal const int Properties = 262_144;
    internal const int Depth = 64;
    internal const int NameBytes = 255;
    internal const int PathChars = 512;

    /// <summary>Entries of <c>ranges</c> looked at while all devices are named; real boards need a few thousand.</summary>
    internal const int RangesWork = 5_000_000;

    /// <summary>Interrupt controllers behind one <c>interrupt-map</c>; real ones have up to four.</summary>
    internal const int MappedControllers = 16;
}
