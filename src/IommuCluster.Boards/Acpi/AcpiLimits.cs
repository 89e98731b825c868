namespace IommuCluster.Boards.Acpi;

/// <summary>
/// How large tables may be. Real ones stay far below (an IORT of 100 KiB, 500 nodes); together the limits keep hostile
/// tables below 256 MiB of memory and a second of time.
/// </summary>
internal static class AcpiLimits
{
    internal const int TableBytes = 1 << 20;

    /// <summary>Files of one machine.</summary>
    internal const int Files = 256;

    /// <summary>Nodes that the tables of one machine describe, together.</summary>
    internal const int Nodes = 8_192;

    /// <summary>Entries of maps, specifiers, and ranges of reserved regions, of all nodes together.</summary>
    internal const int Entries = 65_536;

    /// <summary>Masters that one mapping of a reserved region may name, and pairs of mappings that are compared for it in all.</summary>
    internal const int RegionMasters = 256;

    /// <inheritdoc cref="RegionMasters"/>
    internal const int RegionWork = 1_000_000;

    /// <summary>Memory blocks of an IVRS.</summary>
    internal const int MemoryBlocks = 1_024;

    /// <summary>PCI segments that one entry may span; real machines have up to a few dozen.</summary>
    internal const int Segments = 256;

    /// <summary>Ids with one and the same alias; more than a bus has would be no bridge's.</summary>
    internal const int AliasedIds = 256;

    internal const int NameBytes = 255;
}
